import { createRequire } from 'node:module'
import { CaptureError, EncodeError, explain, type MovementPlan, type PlanEntry, type Worker } from 'maltster'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { settings, visit, visits } from '../fixtures/movement/table-module.mjs'
import { addBase, setBase, Shape } from '../fixtures/movement/table-other.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker
let other: Worker

beforeAll(async () => {
  ;[worker, other] = await Promise.all([quietWorker(), quietWorker()])
})

afterAll(async () => {
  await Promise.all([worker.stop(), other.stop()])
})

function entry(plan: MovementPlan, name: string): PlanEntry {
  const found = plan.entries.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no entry ${name} in\n${String(plan)}`)
  return found
}

const actionOf = (fn: () => unknown, name: string, of = worker): string => entry(of.explain(fn), name).action
const heldNames = (of = worker): string[] => of.globals.list().map(({ name }) => name)

/** What `act` has put on the data lane. */
async function bytesOf(act: () => Promise<unknown>): Promise<number> {
  const before = (await worker.stats()).bytes.sent
  await act()
  return (await worker.stats()).bytes.sent - before
}

// What the rows are about: variables, constants, functions and classes of this module.
let plainNumber = 1
let toggled = 'A'.repeat(10_000)
let unrelated = 1
const mutated = { values: [1, 2, 3] }
class Sly {
  data = [1]
  valueOf(): number {
    return 1
  }
  equals(): boolean {
    return true
  }
}
let sly = new Sly()
const first = { shared: true }
const second = first
let inner = 5
let outer = (): number => inner + 1
// oxlint-disable-next-line no-const-assign -- a test assigns to it, on purpose
const constant = { port: 1 }
function namedFunction(): string {
  return 'ours'
}
const bound = (): string => `${namedFunction()} bound`
const withDefaults = (a: number, { b = 2, c = plainNumber }: { b?: number; c?: number } = {}): number =>
  a + b + c
class Local {
  readonly value = 3
}
let idiom = 1
const big = 'x'.repeat(50_000)

afterEach(() => {
  plainNumber = 1
  toggled = 'A'.repeat(10_000)
})

/** The function of a module that is evaluated anew. */
function evaluateSettled(): () => number {
  const require = createRequire(import.meta.url)
  const file = require.resolve('../fixtures/movement/settled.cjs')
  Reflect.deleteProperty(require.cache, file)
  return (require(file) as { read: () => number }).read
}

const memory = new Float64Array(4_000_000)

interface Row {
  readonly question: string
  readonly julia: string
  readonly here: string
  readonly proof: () => Promise<void>
}

const rows: readonly Row[] = [
  {
    question: 'Arguments',
    julia: 'in full with every call; they define nothing; sharing inside of one message is kept',
    here: 'the same',
    async proof() {
      const shared = { n: 1 }
      const before = heldNames()
      const take = (a: { n: number }, list: unknown[]): boolean => a === list[0]
      expect(await worker.call(take, [shared, [shared]])).toBe(true)
      const text = 'a'.repeat(5000)
      const bytes = await bytesOf(() => worker.call((one: string) => one.length, [text]))
      expect(await bytesOf(() => worker.call((one: string) => one.length, [text]))).toBeGreaterThan(5000)
      expect(bytes).toBeGreaterThan(5000)
      expect(heldNames()).toEqual(before)
    },
  },
  {
    question: 'Captured locals',
    julia: 'in full with each call',
    here: 'with each call unless the worker has these very bytes; they define nothing',
    async proof() {
      const local = 'l'.repeat(5000)
      const read = (): number => local.length
      expect(await worker.call(read)).toBe(5000)
      expect(await bytesOf(() => worker.call(read))).toBeLessThan(1000)
      expect(await worker.call(() => Reflect.has(globalThis, 'local'))).toBe(false)
      expect(heldNames()).not.toContain('local')
    },
  },
  {
    question: 'Which globals are tracked',
    julia: 'those of Main that an anonymous function of Main refers to',
    here: 'those of any module that any function, or what it calls, refers to',
    async proof() {
      setBase(20)
      expect(await worker.call(() => [addBase(1), plainNumber])).toEqual([21, 1])
      expect(heldNames()).toEqual(expect.arrayContaining(['base', 'plainNumber']))
    },
  },
  {
    question: 'When sent',
    julia: 'when new, when hash or identity differ, and numbers always',
    here: 'when new, or when the encoded bytes differ; numbers as everything else',
    async proof() {
      const read = (): number => plainNumber
      await worker.call(read)
      expect(actionOf(read, 'plainNumber')).toBe('unchanged')
      plainNumber = 2
      expect(actionOf(read, 'plainNumber')).toBe('sent')
      expect(await worker.call(read)).toBe(2)
      // Another object with the same bytes is no change.
      sly = new Sly()
      const readSly = (): number => sly.data.length
      await worker.call(readSly)
      sly = new Sly()
      expect(actionOf(readSly, 'sly')).toBe('unchanged')
    },
  },
  {
    question: 'Checked when',
    julia: 'only when a function that refers to it is sent to that worker',
    here: 'the same: other calls send nothing, workers tell neither each other nor the host',
    async proof() {
      const read = (): number => unrelated
      await worker.call(read)
      unrelated = 2
      await worker.call(() => 1)
      expect(await worker.globals.get('unrelated')).toBe(1)
      await worker.call(() => {
        unrelated = 50
      })
      expect([unrelated, await worker.call(read), await other.call(read)]).toEqual([2, 50, 2])
    },
  },
  {
    question: 'A→B→A',
    julia: 'sent again each time',
    here: 'no content is sent again that the worker still has',
    async proof() {
      const read = (): number => toggled.length
      await worker.call(read)
      toggled = 'B'.repeat(10_000)
      await worker.call(read)
      toggled = 'A'.repeat(10_000)
      expect(await bytesOf(async () => expect(await worker.call(read)).toBe(10_000))).toBeLessThan(500)
      toggled = 'C'.repeat(20_000)
      expect(await worker.call(() => toggled[0])).toBe('C')
    },
  },
  {
    question: 'In-place mutation',
    julia: 'seen only if the hash changes; with an own hash silently stale',
    here: 'always seen: bytes are compared, nobody is asked',
    async proof() {
      const read = (): number => mutated.values.length
      await worker.call(read)
      mutated.values.push(4)
      expect(await worker.call(read)).toBe(4)
      const readSly = (): number => sly.data.length
      await worker.call(readSly)
      sly.data.push(2)
      expect(await worker.call(readSly)).toBe(2)
    },
  },
  {
    question: 'The same global many times',
    julia: 'sent once',
    here: 'sent once, for all functions of the call',
    async proof() {
      const one = (): number => big.length
      const two = (): number => big.length + big.length
      const plan = other.explain(() => [one(), two(), big])
      expect(plan.entries.filter(({ name }) => name === 'big')).toHaveLength(1)
      expect(plan.totalBytes).toBeLessThan(60_000)
      expect(await other.call(() => [one(), two(), big.length])).toEqual([50_000, 100_000, 50_000])
    },
  },
  {
    question: 'Two names for one object',
    julia: 'both are made, the value is sent for each',
    here: 'both are made, and are one object there; the value is sent once',
    async proof() {
      const plan = worker.explain(() => [first, second])
      const bytes = [entry(plan, 'first').bytes, entry(plan, 'second').bytes].toSorted((a, b) => a - b)
      expect(bytes[0]).toBeLessThan(bytes[1]!)
      expect(plan.entries.filter(({ kind }) => kind === 'capture')).toHaveLength(1)
      expect(await worker.call(() => [first.shared, second.shared, first === second])).toEqual([
        true,
        true,
        true,
      ])
    },
  },
  {
    question: 'Nested references',
    julia: 'a global that is an anonymous function takes its own globals along',
    here: 'the same, to any depth, for functions of all kinds',
    async proof() {
      expect(await worker.call(() => outer())).toBe(6)
      inner = 6
      expect(await worker.call(() => outer())).toBe(7)
      outer = () => inner * 2
      expect(await worker.call(() => outer())).toBe(12)
    },
  },
  {
    question: 'Constants',
    julia: 'constant there; one that is defined otherwise is a warning, and the old value is used',
    here: 'constant there; its content may change; another value for a constant that is settled is an error',
    async proof() {
      expect(await worker.call(() => constant.port)).toBe(1)
      constant.port = 2
      expect(await worker.call(() => constant.port)).toBe(2)
      const error = await rejection(
        worker.call(() => {
          // @ts-expect-error -- that it is constant is the point
          constant = 1
        }),
        Error,
      )
      expect(error.message).toContain('Assignment to constant variable.')
      expect(worker.globals.list().find(({ name }) => name === 'constant')).toMatchObject({
        kind: 'constant',
        isConstant: true,
      })
      const [once, again] = [evaluateSettled(), evaluateSettled()]
      expect(await worker.call(once)).toBe(1)
      const conflict = await rejection(worker.call(again), CaptureError)
      expect(conflict.path).toBe('fn → settled')
      expect(conflict.why).toContain('the worker has another value for it')
      expect(conflict.hint).toContain('worker.globals.delete')
      await worker.globals.delete('settled')
      expect(await worker.call(again)).toBe(2)
    },
  },
  {
    question: 'Named functions',
    julia: 'by name only: UndefVarError, or another function of that name runs',
    here: 'by source, with what they refer to; what the worker has under that name stays',
    async proof() {
      await other.evaluate('globalThis.namedFunction = () => "theirs"; 0')
      expect(await other.call(() => namedFunction())).toBe('ours')
      expect(await other.evaluate('namedFunction()')).toBe('theirs')
      const { kind, action } = entry(
        explain(() => namedFunction()),
        'namedFunction',
      )
      expect([kind, action]).toEqual(['function', 'sent'])
    },
  },
  {
    question: 'Anonymous functions, also bound to a name',
    julia: 'their code goes once for each connection',
    here: 'the same as named ones: once for each worker',
    async proof() {
      expect(await worker.call(() => bound())).toBe('ours bound')
      expect(actionOf(() => bound(), 'bound')).toBe('known')
      expect(await bytesOf(() => worker.call(bound))).toBeLessThan(1500)
      expect(await bytesOf(() => worker.call(bound))).toBeLessThan(64)
    },
  },
  {
    question: 'Functions with named arguments, or from another module',
    julia: 'the sorter of keywords is not sent; from another module it goes by name, and fails',
    here: 'defaults and destructuring are part of the source; all modules are alike',
    async proof() {
      expect(await worker.call(withDefaults, [1])).toBe(4)
      expect(await worker.call(withDefaults, [1, { b: 5 }])).toBe(7)
      setBase(30)
      expect(await worker.call(addBase, [1])).toBe(31)
    },
  },
  {
    question: 'Types and modules',
    julia: 'by name; they must be there',
    here: 'classes by source, once; what can be imported there by its specifier',
    async proof() {
      const shape = new Shape(4)
      expect(
        await worker.call(() => [new Local().value, shape instanceof Shape, new Shape(3).sides]),
      ).toEqual([3, true, 3])
      expect(actionOf(() => new Local(), 'Local')).toBe('known')
      expect(actionOf(() => visit(), 'visit')).toMatch(/reference|known|sent/)
    },
  },
  {
    question: 'Globals of other modules',
    julia: 'by name, evaluated there; not sent',
    here: 'those of modules that go by value are bindings of their own; imported modules have their own state there',
    async proof() {
      setBase(40)
      expect(await worker.call(() => addBase(0))).toBe(40)
      const modules = new Set(worker.globals.list().map(({ module }) => module))
      expect([...modules].some((module) => module.includes('table-other'))).toBe(true)
      expect(settings.colour).toBe('red')
      expect(await worker.call(() => [visit(), visit()])).toEqual([1, 2])
      expect(visits).toBe(0)
    },
  },
  {
    question: 'Return values',
    julia: 'anonymous functions in a result take their globals along',
    here: 'results are data; a function in one is refused with its path, and the worker goes on',
    async proof() {
      const error = await rejection(
        worker.call(() => ({ handlers: [() => plainNumber] })),
        EncodeError,
      )
      expect(error.path).toBe('result.handlers[0]')
      expect(error.executed).toBe('yes')
      expect(await worker.call(() => 1)).toBe(1)
    },
  },
  {
    question: '`let x = x`',
    julia: 'makes a local of a global: no binding there, sent each time',
    here: 'a local is a capture, a variable of the module a global; both cost nothing when nothing has changed',
    async proof() {
      idiom++
      const local = idiom
      const before = heldNames()
      const read = (): number => local
      expect(await worker.call(read)).toBe(idiom)
      expect(heldNames()).toEqual(before)
      expect(entry(worker.explain(read), 'local')).toMatchObject({ kind: 'capture', action: 'unchanged' })
    },
  },
  {
    question: '@everywhere',
    julia: 'sends the expression, captures nothing; `$x` puts a value in',
    here: '`evaluate` sends text and captures nothing; a value goes as an argument of a call',
    async proof() {
      const error = await rejection(worker.evaluate('plainNumber'), Error)
      expect(error.message).toContain('plainNumber is not defined')
      await worker.call((value: number) => Object.assign(globalThis, { spliced: value }).spliced, [7])
      expect(await worker.evaluate('spliced + 1')).toBe(8)
    },
  },
  {
    question: 'One kind of call and another',
    julia: 'identical rules',
    here: 'identical rules for `call`, `cast`, calls that wait for their turn, and `preload`',
    async proof() {
      const mark = (): void => {
        Object.assign(globalThis, { marked: [plainNumber, namedFunction()] })
      }
      worker.cast(mark)
      expect(await worker.evaluate('marked')).toEqual([1, 'ours'])
      await using one = await quietWorker({ concurrency: 1, preload: [mark] })
      expect(await one.evaluate('marked')).toEqual([1, 'ours'])
      const calls = [2, 3].map((value) => {
        plainNumber = value
        return one.call(() => plainNumber)
      })
      plainNumber = 4
      expect(await Promise.all(calls)).toEqual([2, 3])
    },
  },
  {
    question: 'Is Main special?',
    julia: 'yes, in what is sent and what goes whole',
    here: 'in one thing: the program’s own module is never imported in a worker, since it would run again',
    async proof() {
      setBase(50)
      // A function of this module and one of another, by the same rules.
      const plan = worker.explain(() => [addBase(1), plainNumber])
      expect([entry(plan, 'base').kind, entry(plan, 'plainNumber').kind]).toEqual(['global', 'global'])
      expect(await worker.call(() => [addBase(1), plainNumber])).toEqual([51, 1])
    },
  },
  {
    question: 'Worker memory',
    julia: 'what was sent lives until `clear!`; the collector of the host does not free it',
    here: 'it is listed with its bytes, `globals.delete` frees it, and contents that were not used for long are dropped',
    async proof() {
      await worker.call(() => big.length)
      const held = worker.globals.list().find(({ name }) => name === 'big')
      expect(held?.bytes).toBeGreaterThan(50_000)
      expect(await worker.globals.delete('big')).toBe(true)
      expect(heldNames()).not.toContain('big')
      await using one = await quietWorker({ execArgv: ['--expose-gc'] })
      const megabytes = (): Promise<number> =>
        one.evaluate<number>('gc(); Math.round(process.memoryUsage().arrayBuffers / 2 ** 20)')
      await one.call(() => memory.length)
      expect(await megabytes()).toBeGreaterThan(30)
      await one.globals.delete('memory')
      // Memory is given back by another thread of the collector.
      await expect.poll(megabytes).toBeLessThan(10)
    },
  },
  {
    question: 'clear!',
    julia: 'the other side has `nothing`, the sender believes it sent it: the next call sees `nothing`',
    here: 'both sides forget: the next call sends it again, with the value of now',
    async proof() {
      const read = (): number => big.length
      await worker.call(read)
      await worker.globals.delete('big')
      const plan = worker.explain(read)
      expect(entry(plan, 'big').action).toBe('sent')
      expect(entry(plan, 'big').bytes).toBeGreaterThan(50_000)
      expect(await worker.call(read)).toBe(50_000)
    },
  },
  {
    question: 'Functions that are serialized by hand',
    julia: 'lack their globals, unless a call has defined them',
    here: 'a function is no data: as an argument it stays here and is called back, in a value it is refused with its path',
    async proof() {
      const ownPid = (): number => process.pid
      expect(await worker.call(async (one: () => Promise<number>) => one(), [ownPid])).toBe(process.pid)
      const error = await rejection(
        worker.call(() => ({ one: () => 1 })),
        EncodeError,
      )
      expect(error.path).toBe('result.one')
      const text = String(() => plainNumber)
      await rejection(worker.evaluate(`(${text})()`), Error)
    },
  },
]

describe('what moves, and why: Julia’s Distributed beside this', () => {
  test.each(rows.map((row) => [row.question, row.julia, row.here, row.proof] as const))(
    '%s: there %s; here %s',
    async (_question, _julia, _here, proof) => {
      expect.hasAssertions()
      await proof()
    },
  )
})

describe('scenarios 60 and 61', () => {
  test('60: a captured local makes no global; one that is deleted is sent again, and is not undefined', async () => {
    const local = { n: 1 }
    expect(await worker.call(() => [local.n, plainNumber])).toEqual([1, 1])
    expect(await worker.evaluate('[typeof local, typeof plainNumber]')).toEqual(['undefined', 'undefined'])
    await worker.globals.delete('plainNumber')
    plainNumber = 9
    expect(await worker.call(() => plainNumber)).toBe(9)
  })

  test('61: the function that was sent runs, the one of the worker stays', async () => {
    await other.evaluate('function bound() { return "theirs" }')
    expect(await other.call(() => bound())).toBe('ours bound')
    expect(await other.evaluate('bound()')).toBe('theirs')
  })

  test('what is forbidden is refused by the policy, for this one call', async () => {
    const error = await rejection(
      worker.call(() => plainNumber, [], { capture: { deny: ['plainNumber'] } }),
      CaptureError,
    )
    expect(error.path).toBe('fn → plainNumber')
  })
})
