/* oxlint-disable no-empty, no-eval, typescript/no-implied-eval, getter-return, no-unused-expressions, unicorn/no-thenable, unicorn/no-array-sort, unicorn/no-accessor-recursion */

/**
 * A way to hang. The functions travel by their source, so they refer to nothing outside themselves.
 *
 * `spins`: it never lets go of the main thread. `late`: it may begin to spin after its call has been ended, as what a
 * timer runs. `waits`: nothing spins. `ends`: it comes to an end by itself after about `forMs`.
 * @typedef {'spins' | 'late' | 'waits' | 'ends'} Kind
 * @typedef {{ kind: Kind, hang: (forMs: number) => unknown }} Pattern
 */

/** Ways to hang before the function has returned. */
export const syncPatterns = /** @satisfies {Record<string, Pattern['hang']>} */ ({
  loop: () => {
    while (true) {}
  },
  tryFinally: () => {
    try {
      while (true) {}
    } catch {
      return 'caught'
    } finally {
      Object.assign(globalThis, { finallyRan: true })
    }
  },
  catchLoop: () => {
    for (;;) {
      try {
        for (;;) {}
      } catch {}
    }
  },
  throwLoop: () => {
    for (;;) {
      try {
        throw new Error('round and round')
      } catch {}
    }
  },
  recursion: () => {
    const fall = () => {
      try {
        fall()
      } catch {}
    }
    for (;;) fall()
  },
  generator: () => {
    function* endless() {
      for (let at = 0; ; at++) yield at
    }
    let sum = 0
    for (const value of endless()) sum ^= value
    return sum
  },
  atomicsWait: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  atomicsWaitLoop: () => {
    const cells = new Int32Array(new SharedArrayBuffer(4))
    for (;;) Atomics.wait(cells, 0, 0, 3)
  },
  regex: () => /^(?:b+)+$/.test(`${'b'.repeat(60)}c`),
  sort: () =>
    Array.from({ length: 1000 }, (_, index) => -index).sort(() => {
      for (;;) {}
    }),
  reviver: () =>
    JSON.parse('[1,2,3]', () => {
      for (;;) {}
    }),
  replaceCallback: () =>
    'aaa'.replaceAll('a', () => {
      for (;;) {}
    }),
  wasm: () => {
    const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
    const types = [1, 4, 1, 0x60, 0, 0]
    const functions = [3, 2, 1, 0]
    const named = [7, 8, 1, 4, 0x73, 0x70, 0x69, 0x6e, 0, 0]
    const code = [10, 9, 1, 7, 0, 3, 0x40, 0x0c, 0, 0x0b, 0x0b]
    const { Instance, Module } = Reflect.get(globalThis, 'WebAssembly')
    const module = new Module(Uint8Array.of(...magic, ...types, ...functions, ...named, ...code))
    return new Instance(module).exports.spin()
  },
  emitter: () => {
    const { EventEmitter } = process.getBuiltinModule('node:events')
    const emitter = new EventEmitter()
    let heard = 0
    emitter.on('again', () => heard++)
    for (;;) emitter.emit('again')
  },
  eventTarget: () => {
    const target = new EventTarget()
    target.addEventListener('again', () => {
      for (;;) {}
    })
    target.dispatchEvent(new Event('again'))
  },
  als: () => {
    const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
    const storage = new AsyncLocalStorage()
    for (let at = 0; ; at++) storage.run(at, () => storage.getStore())
  },
  asyncResource: () => {
    const { AsyncResource } = process.getBuiltinModule('node:async_hooks')
    const resource = new AsyncResource('stress')
    for (;;) resource.runInAsyncScope(() => 1)
  },
  json: () => {
    const value = { list: [1, 2, 3], text: 'text' }
    for (;;) JSON.parse(JSON.stringify(value))
  },
  allocation: () => {
    let kept = []
    for (;;) {
      kept.push({ list: Array.from({ length: 8 }) })
      if (kept.length > 50_000) kept = []
    }
  },
  bufferLoop: () => {
    for (let at = 0; ; at++) Buffer.from(`${at}`).toString('base64')
  },
  fsLoop: () => {
    const { statSync, readdirSync } = process.getBuiltinModule('node:fs')
    for (;;) {
      statSync('.')
      readdirSync('/')
    }
  },
  hashLoop: () => {
    const { createHash } = process.getBuiltinModule('node:crypto')
    for (let at = 0; ; at++) createHash('sha256').update(`${at}`).digest('hex')
  },
  newFunction: () => {
    for (let at = 0; ; at++) new Function(`return ${at % 100}`)()
  },
  evalLoop: () => (0, eval)('for (;;) { (0, eval)("1 + 1") }'),
  vmContext: () => process.getBuiltinModule('node:vm').runInNewContext('for (;;) {}'),
  vmTimeout: () => process.getBuiltinModule('node:vm').runInThisContext('for (;;) {}', { timeout: 60_000 }),
  getter: () => {
    class Deep {
      /** @returns {number} */
      get value() {
        return this.value
      }
    }
    for (;;) {
      try {
        new Deep().value
      } catch {}
    }
  },
  proxy: () => {
    /** @type {any} */
    const proxy = new Proxy({}, { get: (_, name) => (name === 'x' ? proxy.y : 1) })
    for (;;) proxy.x
  },
  toPrimitive: () => {
    const value = {
      [Symbol.toPrimitive]() {
        for (;;) {}
      },
    }
    return Number(value)
  },
  printing: () => {
    for (let at = 0; ; at++) console.log(`line ${at} of very many`)
  },
  bigint: () => {
    for (let at = 1n; ; at++) at ** 50n % 97n
  },
  resultGetter: () => ({
    get result() {
      for (;;) {}
    },
  }),
  thenGetter: () => ({
    get then() {
      for (;;) {}
    },
  }),
  thrownGetter: () => {
    throw Object.defineProperty(new Error('thrown'), 'message', {
      get() {
        for (;;) {}
      },
    })
  },
})

/** Out of the mix, by name only: at the end of the stack nothing can be evaluated, and this never leaves it. */
export const escapes = /** @satisfies {Record<string, Pattern['hang']>} */ ({
  recursionTwice: () => {
    const fall = () => {
      try {
        fall()
      } catch {
        fall()
      }
    }
    for (;;) fall()
  },
})

/** Out of the mix too: one native call, which can't be cut off and ends by itself. */
export const nativeCalls = /** @satisfies {Record<string, Pattern['hang']>} */ ({
  pbkdf2: () => {
    process.getBuiltinModule('node:crypto').pbkdf2Sync('a', 'b', 5_000_000, 64, 'sha512')
    return 'ended'
  },
  execSync: () => {
    process.getBuiltinModule('node:child_process').execSync('sleep 2')
    return 'ended'
  },
})
