import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

/** Folders of one machine's root, written so that this file doesn't have them itself. */
const machineFolder = new RegExp(
  `(?<![\\w.~*-])/(${['work', 'root', 'home/[a-z]+', 'Users/[a-z]+'].join('|')})/`,
)

const publicRegistry = 'registry.npmjs.org'

/** Targets of the exports map and of `bin` that the build doesn't make. */
export function exportFaults(root: string): string[] {
  const { exports = {}, bin = {} } = readManifest(root)
  const targets = [...Object.values(exports), bin].flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  if (targets.length === 0) return ['package.json exports nothing']
  return targets
    .filter((target) => !existsSync(join(root, target)))
    .map((target) => `package.json names ${target}, which is not there`)
}

/** Traces of the machine that a tracked file was made on: absolute paths, hosts of another registry. */
export function machineFaults(root: string): string[] {
  return trackedFiles(root).flatMap((path) =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const trace = machineFolder.exec(line)?.[0] ?? registryHost(line)
        return trace === undefined ? [] : [`${path}:${index + 1} has ${trace}`]
      }),
  )
}

/** What README.md and .ci/run tell people to run that package.json doesn't have, and whether they agree. */
export function commandFaults(root: string): string[] {
  const scripts = readManifest(root).scripts ?? {}
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const ci = readFileSync(join(root, '.ci/run'), 'utf8')
  const test = 'npm install && npm test'
  const named = [...readme.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start))\b/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  )
  return [
    ...[...new Set(named)]
      .filter((name) => !(name in scripts))
      .map((name) => `README.md names the script "${name}", which package.json doesn't have`),
    ...(readme.includes(test) ? [] : [`README.md doesn't say "${test}"`]),
    ...(ci.includes(test) ? [] : [`.ci/run doesn't run "${test}"`]),
  ]
}

function registryHost(line: string): string | undefined {
  const url =
    /"resolved": "(?:git\+)?\w+:\/\/([\w.:-]+)/.exec(line) ?? /\bregistry\s*=\s*\w+:\/\/([\w.:-]+)/.exec(line)
  const host = url?.[1]
  return host === publicRegistry ? undefined : host
}

function trackedFiles(root: string): string[] {
  return execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
}

function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}
