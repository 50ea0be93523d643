import { InterruptedError } from 'maltster'
import { expect, test } from 'vitest'
import { expectUsable, quietWorker, rejection, until } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

/** Each spins, in a function named `spins` where a name shows, as soon as it has said so on stderr. */
const ways: Record<string, () => unknown> = {
  'in the body of the function': function spins() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    while (true);
  },
  'after an await': async function spins() {
    await Promise.resolve()
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    while (true);
  },
  'after a timer was awaited': async function outer() {
    const { setTimeout: wait } = await import('node:timers/promises')
    await wait(5)
    ;(function spins() {
      process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
      while (true);
    })()
  },
  'in a timer': () =>
    new Promise(() => {
      setTimeout(function spins() {
        process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
        while (true);
      }, 5)
    }),
  'in a ring of microtasks': async function spins() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    while (true) await Promise.resolve()
  },
  'in a ring of promise callbacks': () =>
    new Promise(() => {
      const spins = (): unknown => Promise.resolve().then(spins)
      process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
      void spins()
    }),
  'in a ring of ticks': () =>
    new Promise(() => {
      const spins = (): void => process.nextTick(spins)
      process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
      spins()
    }),
  'in a catch': function spins() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    while (true) {
      try {
        throw new Error('again')
      } catch {
        // And again.
      }
    }
  },
  'in a finally': function spins() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    try {
      throw new Error('once')
    } finally {
      while (true);
    }
  },
  'in Atomics.wait': function spins() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
  'in a regular expression': function spins() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    return /^(a+)+$/.test(`${'a'.repeat(60)}b`)
  },
  'in a getter': function outer() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    return {
      get spins() {
        while (true);
      },
    }.spins
  },
  'in a comparison of a sort': function outer() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    return [1, 2, 3].toSorted(function spins() {
      while (true);
    })
  },
  'in a generator': function spins() {
    process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
    for (const _one of (function* endless() {
      while (true) yield 1
    })()) {
      // Nothing.
    }
  },
}

test.each(Object.entries(ways))(
  'an endless loop %s is cut off, and the process and its variables live on',
  async (_name, way) => {
    let isSpinning = false
    await using worker = await quietWorker({ interruptGraceMs: 10_000, stderr: () => (isSpinning = true) })
    const { pid } = worker
    await worker.call(() => {
      Object.assign(globalThis, { kept: 'a variable', signals: 0 })
      process.on('SIGINT', () => Reflect.set(globalThis, 'signals', 1))
      process.on('SIGTERM', () => Reflect.set(globalThis, 'signals', 1))
    })
    const call = rejection(worker.call(way), InterruptedError)
    await until('it spins', () => isSpinning)
    const result = await worker.interrupt()
    expect(result.outcome).toBe('interrupted')
    const error = await call
    expect(error).toMatchObject({ collateral: false, executed: 'unknown', worker: worker.path })
    expect(error.at).toMatch(/interrupt-ways\.test\.ts|maltster:/)
    expect(error.at).toContain('spins')
    expect(error.stack).toContain(error.at)
    await expectUsable(worker)
    expect(worker.pid).toBe(pid)
    const kept = await worker.call(() => [
      Reflect.get(globalThis, 'kept') as unknown,
      Reflect.get(globalThis, 'signals') as unknown,
    ])
    expect(kept).toEqual(['a variable', 0])
  },
)

test('the line that spins is the one that is shown', async () => {
  let isSpinning = false
  await using worker = await quietWorker({ interruptGraceMs: 10_000, stderr: () => (isSpinning = true) })
  const module = new URL('../fixtures/worker/spinner.mjs', import.meta.url).href
  const call = rejection(worker.call({ module, export: 'run' }), InterruptedError)
  await until('it spins', () => isSpinning)
  expect((await worker.interrupt()).at).toMatch(/innermost .*spinner\.mjs:[78]:\d+/)
  const { at, stack } = await call
  expect(at).toMatch(/^ +at innermost .*spinner\.mjs:[78]:\d+/)
  expect(stack).toContain(at)
  await expectUsable(worker)
})

test('twenty interrupts one after the other leave a worker as good as new', async () => {
  let spinning = 0
  await using worker = await quietWorker({ interruptGraceMs: 10_000, stderr: () => void spinning++ })
  for (let round = 0; round < 20; round++) {
    spinning = 0
    const call = rejection(
      worker.call(() => {
        process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
        while (true);
      }),
      InterruptedError,
    )
    await until('it spins', () => spinning > 0)
    expect((await worker.interrupt()).outcome).toBe('interrupted')
    await call
    expect(await worker.call((n: number) => n, [round])).toBe(round)
  }
  await expectUsable(worker)
})
