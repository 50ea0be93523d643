import { describe, expect, test } from 'vitest'
import { changelogFaults } from './changelog.ts'
import { root, temporaryTree } from './temporary-tree.ts'

function faultsOf(changelog: string): string[] {
  return changelogFaults(
    temporaryTree({ 'package.json': '{ "version": "1.2.3" }', 'CHANGELOG.md': changelog }),
  )
}

test('CHANGELOG.md has an entry for the version of package.json', () => {
  expect(changelogFaults(root)).toEqual([])
})

describe('changelogFaults()', () => {
  test('takes a section with or without a date', () => {
    expect(faultsOf('# Changelog\n\n## 1.2.3\n\n- A change.\n')).toEqual([])
    expect(faultsOf('# Changelog\n\n## 1.2.3 (2026-11-22)\n\n- A change.\n\n## 1.2.2\n')).toEqual([])
  })

  test('refuses a changelog without the version', () => {
    expect(faultsOf('# Changelog\n\n## 1.2.30\n\n- A change.\n')).toEqual([
      'CHANGELOG.md has no section "## 1.2.3"',
    ])
  })

  test('refuses an empty section', () => {
    expect(faultsOf('## 1.2.3\n\n## 1.2.2\n\n- A change.\n')).toEqual([
      'CHANGELOG.md says nothing about 1.2.3',
    ])
  })
})
