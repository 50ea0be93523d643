import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { liveWorkers } from 'maltster'
import { describe, expect, test } from 'vitest'
import { Notebook } from '../../examples/02-notebook-host/notebook.mjs'
import { root } from '../rules/temporary-tree.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { until } from './workers.ts'

useLeakCheck()

const folder = join(root, 'examples/02-notebook-host')
const main = join(folder, 'main.mjs')
const run = promisify(execFile)

interface Heard extends AsyncDisposable {
  readonly notebook: Notebook
  /** What came of each cell, and of none. */
  readonly output: string[]
  readonly lines: string[]
  readonly requests: string[]
}

function open(name = 'notebook'): Heard {
  const output: string[] = []
  const lines: string[] = []
  const requests: string[] = []
  const notebook = new Notebook(name, {
    folder,
    onOutput: (id, text) => output.push(`${id}: ${text}`),
    onLine: (line) => lines.push(line),
    onRequest: (id) => requests.push(id),
  })
  return { notebook, output, lines, requests, [Symbol.asyncDispose]: () => notebook[Symbol.asyncDispose]() }
}

let cells = 0
const cell = (source: string, id = `cell-${++cells}`): { id: string; source: string } => ({ id, source })

describe('the example that is a notebook server', () => {
  test('ends as a program with exit code 0, and every check is right', async () => {
    const { stdout } = await run(process.execPath, [main, '--limit-ms', '60000'])
    expect(stdout).not.toContain('WRONG')
    const lastLine = stdout.trimEnd().split('\n').at(-1)
    const [, right, all] = /^ok: (\d+) of (\d+) checks, /.exec(lastLine ?? '') ?? []
    expect(right).toBe(all)
    expect(Number(all)).toBeGreaterThan(25)
  }, 70_000)

  test('ends with exit code 1 when it is not done in time', async () => {
    const failing = run(process.execPath, [main, '--limit-ms', '1'])
    await expect(failing).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('FAILED: not done after 1 ms'),
    })
  })

  test('starts its worker with the first run, and runs come one after the other', async () => {
    await using opened = open()
    const { notebook } = opened
    const first = notebook.run([
      cell('let order = ["first"]; await new Promise((done) => setTimeout(done, 50))'),
    ])
    const second = notebook.run([cell('order.push("second"); order')])
    expect((await first)[0]).toMatchObject({ status: 'done' })
    expect((await second)[0]).toMatchObject({ status: 'done', text: "[ 'first', 'second' ]" })
    expect(liveWorkers()).toHaveLength(1)
  })

  test('gives what a cell prints as it comes, and what is printed later as lines', async () => {
    await using opened = open()
    const { notebook, output, lines } = opened
    const running = notebook.run([
      cell(
        `process.stdout.write("begun ")
         setTimeout(() => console.log("from a timer"), 200)
         await new Promise((done) => { globalThis.goOn = done })
         console.log("and done")`,
        'slow',
      ),
    ])
    await until('the beginning came', () => output.join('').includes('begun'))
    await notebook.query('goOn()')
    const [result] = await running
    expect(result).toMatchObject({ status: 'done', stdout: expect.stringMatching(/^begun [^]*and done\n$/) })
    await until('the rest came', () => [...output, ...lines].join('').includes('from a timer'))
    expect(output[0]).toBe('slow: begun ')
  })

  test('runs a cell again on request of another', async () => {
    await using opened = open()
    const { notebook, requests } = opened
    await notebook.run([cell('setTimeout(() => notebook.requestRun("a"), 1); notebook.requestRun("b")')])
    await until('both were heard', () => requests.length === 2)
    expect(requests).toEqual(['b', 'a'])
  })

  test('goes on hearing requests after a cell was cut off', async () => {
    await using opened = open()
    const { notebook, output, requests } = opened
    for (let round = 1; round <= 3; round++) {
      const running = notebook.run([cell(`console.log("round ${round}"); while (true) {}`), cell('1')])
      await until('it spins', () => output.join('').includes(`round ${round}`))
      await notebook.interrupt()
      expect((await running).map(({ status }) => status)).toEqual(['interrupted', 'interrupted'])
      await notebook.run([cell(`notebook.requestRun("${round}")`)])
      await until('it was heard', () => requests.length === round)
    }
    expect(requests).toEqual(['1', '2', '3'])
  })

  test.each([
    ['a signal', 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {})'],
    ['process.exit', 'process.exit(3)'],
    ['an uncaught error', 'setTimeout(() => { throw new Error("lost") }); await new Promise(() => {})'],
  ])('reports a cell that ends its process by %s, and starts anew', async (_, source) => {
    await using opened = open()
    const { notebook } = opened
    const statuses = async (sources: string[]): Promise<string[]> =>
      (await notebook.run(sources.map((one) => cell(one)))).map(({ status }) => status)
    expect(await statuses(['let before = 1', source, 'before'])).toEqual([
      'done',
      'process exited',
      'no process',
    ])
    const [result] = await notebook.run([cell('typeof before')])
    expect(result).toMatchObject({ status: 'done', text: "'undefined'" })
  })

  test('stops while a cell spins, and can run again', async () => {
    await using opened = open()
    const { notebook, output } = opened
    const running = notebook.run([cell('console.log("spins"); while (true) {}'), cell('1')])
    await until('it spins', () => output.length > 0)
    await notebook.stop()
    const [cut, later] = await running
    expect(['interrupted', 'no process']).toContain(cut?.status)
    expect(['interrupted', 'no process']).toContain(later?.status)
    expect(liveWorkers()).toEqual([])
    expect((await notebook.run([cell('6 * 7')]))[0]?.text).toBe('42')
  })

  test('keeps notebooks apart, and refuses another one of a name that is open', async () => {
    await using opened = open('one')
    await using openedToo = open('other')
    await using refused = open('one')
    const [one, other] = [opened.notebook, openedToo.notebook]
    const source = (value: number): { id: string; source: string }[] => [
      cell(`globalThis.shared ??= ${value}; var own = shared; process.env.OWN = String(own); own`),
    ]
    const results = await Promise.all([one.run(source(1)), other.run(source(2))])
    expect(results.map(([result]) => result?.text)).toEqual(['1', '2'])
    expect(one.worker?.pid).not.toBe(other.worker?.pid)
    expect(await Promise.all([one.query('process.env.OWN'), other.query('own')])).toEqual(['1', 2])
    await expect(refused.notebook.run(source(3))).rejects.toMatchObject({
      code: 'ERR_MALTSTER_SPEC',
      fault: 'taken',
      pid: one.worker?.pid,
    })
  })
})
