import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import type { LaunchedProcess, ProcessExit } from '../../../src/transport/launcher.ts'
import { command, type CommandOptions } from '../../../src/transport/launchers/command.ts'
import { useLeakCheck } from '../../support/leak-check.ts'

let folder: string
let speaker: string
beforeAll(() => {
  folder = tmpdir()
  // A worker that says its arguments on the data lane, and ends as it is told there.
  speaker = join(folder, `it's a "speaker" $HOME.cjs`)
  writeFileSync(
    speaker,
    `const { readSync, writeSync } = require('node:fs')
writeSync(3, JSON.stringify(process.argv.slice(2)) + '\\n')
const wait = Buffer.alloc(100)
const { Socket } = require('node:net')
new Socket({ fd: 3 }).on('data', (words) => {
  const [how, what] = JSON.parse(words)
  if (how === 'exit') process.exit(what)
  process.kill(process.pid, what)
})
`,
  )
})
useLeakCheck()

const words = [
  '',
  ' ',
  "it's",
  '"quoted"',
  '$HOME',
  '`id`',
  '\\',
  'a\nb',
  '*',
  '; exit 3',
  '--',
  'ünï',
  '#x',
  '~',
]

/** Starts the speaker, tells it how to end, and answers what came of it. */
async function speak(prefix: readonly string[], options: CommandOptions, ending: readonly [string, unknown]) {
  const launched = command(prefix, options).launch({
    execPath: process.execPath,
    execArgv: [],
    entry: speaker,
    argv: words,
    cwd: folder,
    isCwdGiven: true,
    inheritEnv: ['PATH'],
    env: {},
  })
  const exit = new Promise<ProcessExit>((resolve) => launched.onExit(resolve))
  const said = await firstLine(launched)
  launched.data.write([Buffer.from(JSON.stringify(ending))])
  const result = { said: JSON.parse(said) as unknown, exit: await exit }
  launched.data.destroy()
  launched.control.destroy()
  launched.stdout.destroy()
  launched.stderr.destroy()
  return result
}

function firstLine({ data, control }: LaunchedProcess): Promise<string> {
  const target = Buffer.alloc(4096)
  let text = ''
  const ignored = { target: () => target, received: () => {}, drained: () => {}, closed: () => {} }
  control.start(ignored)
  return new Promise((resolve) => {
    const received = (byteLength: number): void => {
      text += target.toString('utf8', 0, byteLength)
      if (text.includes('\n')) resolve(text.trimEnd())
    }
    data.start({ ...ignored, received, closed: () => resolve(text) })
  })
}

const forking = ['/bin/sh', '-c', '"$@"; exit $?', 'sh']
const becoming = ['/bin/sh', '-c', 'exec "$@"', 'sh']

test('a shell on the way gets every word as it is', async () => {
  const { said, exit } = await speak(['/bin/sh', '-c'], { lanes: 'inherit', shell: true }, ['exit', 0])
  expect(said).toEqual(words)
  expect(exit).toEqual({ exitCode: 0, signal: null })
})

test.each([
  ['forks', forking, ['SIGKILL', 'SIGKILL'], { exitCode: null, signal: 'SIGKILL' }],
  ['forks', forking, ['exit', 37], { exitCode: 37, signal: null }],
  ['forks', forking, ['exit', 255], { exitCode: 255, signal: null }],
  ['forks', forking, ['SIGTERM', 'SIGTERM'], { exitCode: null, signal: 'SIGTERM' }],
  ['becomes the worker', becoming, ['exit', 137], { exitCode: 137, signal: null }],
  ['becomes the worker', becoming, ['SIGABRT', 'SIGABRT'], { exitCode: null, signal: 'SIGABRT' }],
] as const)(
  'a launcher that %s, given descriptors: %j ends as it did',
  async (_, prefix, ending, expected) => {
    const { exit } = await speak(prefix, { lanes: 'inherit' }, ending)
    expect(exit).toEqual(expected)
  },
)
