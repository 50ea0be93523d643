import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, onTestFinished } from 'vitest'
import { expectUsable, quietWorker, recordWarnings, until, whereItCan } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

function setVariable(name: string, value: string): void {
  process.env[name] = value
  onTestFinished(() => void Reflect.deleteProperty(process.env, name))
}

const environmentOf = (): NodeJS.ProcessEnv => ({ ...process.env })
const canary = 'canary-5f1d7c'

whereItCan('process')(
  'scenario 4: by default a worker inherits a short list of names, and no secret',
  async () => {
    setVariable('MY_SECRET', canary)
    setVariable('NODE_OPTIONS', '--no-warnings')
    await using worker = await quietWorker()
    const env = await worker.call(environmentOf)
    expect(JSON.stringify(env)).not.toContain(canary)
    expect(env['PATH']).toBe(process.env['PATH'])
    const allowed = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ']
    expect(Object.keys(env).filter((name) => !allowed.includes(name))).toEqual([])
    const proc = await worker.call(() => {
      const { readFileSync } = process.getBuiltinModule('node:fs')
      return readFileSync('/proc/self/environ', 'latin1') + readFileSync('/proc/self/cmdline', 'latin1')
    })
    expect(proc).not.toContain(canary)
  },
)

whereItCan('process')('scenario 4: what `env` adds is there, and undefined takes a name out', async () => {
  await using worker = await quietWorker({ env: { EXTRA: 'yes', HOME: undefined } })
  const env = await worker.call(environmentOf)
  expect(env['EXTRA']).toBe('yes')
  expect('HOME' in env).toBe(false)
})

whereItCan('local')(
  'scenario 4: `inheritEnv` as a list gives those names, `false` none, `true` all but NODE_OPTIONS and its like',
  async () => {
    setVariable('MY_SECRET', canary)
    setVariable('NODE_OPTIONS', '--no-warnings')
    await using listed = await quietWorker({ inheritEnv: ['MY_SECRET', 'NOT_THERE'] })
    expect(await listed.call(environmentOf)).toEqual({ MY_SECRET: canary })
    await using none = await quietWorker({ inheritEnv: false })
    expect(await none.call(environmentOf)).toEqual({})
    await using all = await quietWorker({ inheritEnv: true })
    const env = await all.call(environmentOf)
    expect(env['MY_SECRET']).toBe(canary)
    expect('NODE_OPTIONS' in env).toBe(false)
  },
)

whereItCan('process')(
  'scenario 5: cwd, argv, execArgv and execPath are what they were asked to be',
  async () => {
    const cwd = realpathSync(tmpdir())
    await using worker = await quietWorker({
      cwd,
      argv: ['one', '--two', ''],
      execArgv: ['--stack-size=900', '--no-deprecation'],
      execPath: process.execPath,
    })
    const seen = await worker.call(() => ({
      cwd: process.cwd(),
      argv: process.argv.slice(2),
      execArgv: process.execArgv,
      execPath: process.execPath,
    }))
    expect(seen).toEqual({
      cwd,
      argv: ['one', '--two', ''],
      execArgv: ['--stack-size=900', '--no-deprecation'],
      execPath: process.execPath,
    })
  },
)

whereItCan('process')('the host’s own flags are not passed on', async () => {
  await using worker = await quietWorker()
  expect(await worker.call(() => process.execArgv)).toEqual([])
})

whereItCan('stdio')('lines of output go to functions whole, in order, with the rest at the end', async () => {
  const out: string[] = []
  const err: string[] = []
  const worker = await quietWorker({ stdout: (line) => out.push(line), stderr: (line) => err.push(line) })
  await worker.call(() => {
    process.stdout.write('one\ntwo\r\nthr')
    process.stdout.write('ee\n\u00e9\u{1F600}\nno end')
    process.stderr.write('oh\n')
  })
  await worker.stop()
  expect(out).toEqual(['one', 'two', 'three', '\u00e9\u{1F600}', 'no end'])
  expect(err).toEqual(['oh'])
})

whereItCan('stdio')('a line function that throws loses neither lines nor calls', async () => {
  using warned = recordWarnings()
  const lines: string[] = []
  await using worker = await quietWorker({
    stdout: (line) => {
      lines.push(line)
      throw new Error(`at ${line}`)
    },
  })
  await worker.call(() => process.stdout.write('one\ntwo\n'))
  await until('two lines came', () => lines.length === 2)
  await expectUsable(worker)
  await until('two warnings came', () => warned.warnings.length === 2)
})

whereItCan('stdio')('a line without an end is passed on in pieces, and its memory is bounded', async () => {
  let length = 0
  let longest = 0
  await using worker = await quietWorker({
    stdout: (line) => {
      length += line.length
      longest = Math.max(longest, line.length)
    },
  })
  await worker.call(async () => {
    for (let n = 0; n < 100; n++) {
      if (!process.stdout.write('x'.repeat(10_000)))
        await new Promise((resolve) => process.stdout.once('drain', resolve))
    }
  })
  await until('most of it came', () => length > 900_000)
  expect(longest).toBeLessThanOrEqual(65_536)
})

whereItCan('process')('forwarded lines get the worker’s tag', async () => {
  const { spawnSync } = await import('node:child_process')
  const source = `
    import { spawnWorker } from 'maltster'
    const worker = await spawnWorker({ name: 'kernel' })
    await worker.call(() => { console.log('two\\nlines'); console.error('and one') })
    await worker.stop()
  `
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  })
  expect(stdout).toBe('[kernel] two\n[kernel] lines\n')
  expect(stderr).toBe('[kernel] and one\n')
})
