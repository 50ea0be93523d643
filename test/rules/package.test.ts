import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { commandFaults, exportFaults, machineFaults } from './package.ts'
import { root, temporaryTree } from './temporary-tree.ts'

function repository(files: Readonly<Record<string, string>>): string {
  const tree = temporaryTree(files)
  execFileSync('git', ['init', '--quiet'], { cwd: tree })
  execFileSync('git', ['add', '--all'], { cwd: tree })
  return tree
}

describe('the package', () => {
  test('has every file that its exports map names', () => {
    expect(exportFaults(root)).toEqual([])
  })

  test('has no trace of a machine in a tracked file', () => {
    expect(machineFaults(root)).toEqual([])
  })

  test('has every script that README.md names, and CI runs what README.md says', () => {
    expect(commandFaults(root)).toEqual([])
  })
})

describe('exportFaults()', () => {
  test('refuses a target that is not there', () => {
    const manifest = { exports: { '.': { types: './a.d.ts', default: './a.js' } }, bin: { a: './cli.js' } }
    const tree = temporaryTree({ 'package.json': JSON.stringify(manifest), 'a.js': '' })
    expect(exportFaults(tree)).toEqual([
      'package.json names ./a.d.ts, which is not there',
      'package.json names ./cli.js, which is not there',
    ])
  })

  test('refuses a package that exports nothing', () => {
    expect(exportFaults(temporaryTree({ 'package.json': '{}' }))).toEqual(['package.json exports nothing'])
  })
})

describe('machineFaults()', () => {
  const folder = (...names: string[]): string => `/${names.join('/')}/`

  test.each([folder('work'), folder('root'), folder('home', 'ann'), folder('Users', 'ann')])(
    'refuses %s',
    (path) => {
      const tree = repository({ 'a.txt': `fine\nfile://${path}main` })
      expect(machineFaults(tree)).toEqual([`a.txt:2 has ${path}`])
    },
  )

  test('refuses the host of another registry', () => {
    const resolved = (host: string): string => `"resolved": "https://${host}/a.tgz"`
    const tree = repository({
      'package-lock.json': `${resolved('npm.example')}\n${resolved('registry.npmjs.org')}`,
      '.npmrc': ['registry=https:', '', 'npm.example', ''].join('/'),
    })
    expect(machineFaults(tree)).toEqual(['.npmrc:1 has npm.example', 'package-lock.json:1 has npm.example'])
  })

  test('looks at tracked files only, and lets relative paths be', () => {
    const tree = repository({
      'a.txt': 'src/work/a.ts ./root/a https://example.com/root/a',
      '.gitignore': 'b.txt',
    })
    expect(machineFaults(tree)).toEqual([])
  })
})

describe('commandFaults()', () => {
  const files = {
    'package.json': '{ "scripts": { "test": "", "start": "" } }',
    'README.md': 'npm install && npm start\nnpm install && npm test',
    '.ci/run': 'npm install && npm test',
  }

  test('takes a README whose commands exist', () => {
    expect(commandFaults(temporaryTree(files))).toEqual([])
  })

  test('refuses a script that is not there', () => {
    const tree = temporaryTree({ ...files, 'README.md': `${files['README.md']}\nnpm run bench:all` })
    expect(commandFaults(tree)).toEqual([
      `README.md names the script "bench:all", which package.json doesn't have`,
    ])
  })

  test('refuses a README or a CI script without the test command', () => {
    expect(commandFaults(temporaryTree({ ...files, 'README.md': '', '.ci/run': 'npm test' }))).toEqual([
      `README.md doesn't say "npm install && npm test"`,
      `.ci/run doesn't run "npm install && npm test"`,
    ])
  })
})
