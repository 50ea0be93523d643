import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is wrong with the entry in CHANGELOG.md of the version in package.json. */
export function changelogFaults(root: string): string[] {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m).slice(1)
  const section = sections.find((text) => text.split(/[\s]/, 1)[0] === version)
  if (section === undefined) return [`CHANGELOG.md has no section "## ${version}"`]
  const isEmpty = section.split('\n').slice(1).join('').trim() === ''
  return isEmpty ? [`CHANGELOG.md says nothing about ${version}`] : []
}
