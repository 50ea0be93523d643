/* oxlint-disable no-empty, getter-return, unicorn/no-thenable, typescript/await-thenable */

/** Ways to hang that let the function return, or wait, first. */
export const asyncPatterns =
  /** @satisfies {Record<string, import('./sync-patterns.mjs').Pattern['hang']>} */ ({
    afterAwait: async () => {
      await undefined
      while (true) {}
    },
    afterAwaits: async () => {
      for (let at = 0; at < 20; at++) await at
      try {
        while (true) {}
      } finally {
        Object.assign(globalThis, { finallyRan: true })
      }
    },
    openGate: async () => {
      await undefined
      const { gates } = /** @type {{ gates: (() => void)[] }} */ (/** @type {unknown} */ (globalThis))
      for (const open of gates.splice(0)) open()
      while (true) {}
    },
    nextTick: () =>
      new Promise(() => {
        process.nextTick(() => {
          while (true) {}
        })
      }),
    microtask: () =>
      new Promise(() => {
        queueMicrotask(() => {
          while (true) {}
        })
      }),
    promiseRing: () => {
      const again = () => {
        void Promise.resolve().then(again)
      }
      again()
      return new Promise(() => {})
    },
    awaitRing: async () => {
      for (;;) await undefined
    },
    microtaskRing: () => {
      const again = () => queueMicrotask(again)
      again()
      return new Promise(() => {})
    },
    tickRing: () => {
      const again = () => process.nextTick(again)
      again()
      return new Promise(() => {})
    },
    mixedRing: () => {
      const tick = () => process.nextTick(() => queueMicrotask(tick))
      tick()
      return new Promise(() => {})
    },
    forAwait: async () => {
      async function* endless() {
        for (let at = 0; ; at++) yield at
      }
      let sum = 0
      for await (const value of endless()) sum ^= value
      return sum
    },
    thenable: () => ({
      then() {
        while (true) {}
      },
    }),
    asyncResultGetter: async () => ({
      get result() {
        while (true) {}
      },
    }),
    moduleBody: () => import(`data:text/javascript,for(;;){}//${Math.random()}`),
  })

/** What these run may begin to spin only after their call has been ended. */
export const latePatterns =
  /** @satisfies {Record<string, import('./sync-patterns.mjs').Pattern['hang']>} */ ({
    timer: () =>
      new Promise(() => {
        setTimeout(() => {
          while (true) {}
        }, 2)
      }),
    interval: () =>
      new Promise(() => {
        const interval = setInterval(() => {
          clearInterval(interval)
          while (true) {}
        }, 2)
      }),
    immediate: () =>
      new Promise(() => {
        setImmediate(() => {
          while (true) {}
        })
      }),
    afterTimer: async () => {
      await new Promise((resolve) => setTimeout(resolve, 3))
      while (true) {}
    },
    afterFile: async () => {
      await process.getBuiltinModule('node:fs').promises.stat('.')
      while (true) {}
    },
    fileCallback: () =>
      new Promise(() => {
        process.getBuiltinModule('node:fs').stat('.', () => {
          while (true) {}
        })
      }),
    messagePort: () =>
      new Promise(() => {
        const { MessageChannel } = process.getBuiltinModule('node:worker_threads')
        const { port1, port2 } = new MessageChannel()
        port2.on('message', () => {
          port1.close()
          while (true) {}
        })
        port1.postMessage('go')
      }),
    stream: () =>
      new Promise(() => {
        const { Readable } = process.getBuiltinModule('node:stream')
        Readable.from(['a', 'b']).on('data', () => {
          while (true) {}
        })
      }),
    abortListener: async () => {
      const { currentCall } = await import('maltster/worker')
      currentCall().signal.addEventListener('abort', () => {
        while (true) {}
      })
      return new Promise(() => {})
    },
    // Two of three milliseconds are busy, and a timer runs it again; a later round ends it.
    timerChain: () =>
      new Promise(() => {
        const world = /** @type {{ round: number }} */ (/** @type {unknown} */ (globalThis))
        const { round } = world
        const again = () => {
          const end = performance.now() + 2
          while (performance.now() < end) {}
          if (world.round === round) setTimeout(again, 0)
        }
        again()
      }),
    spinningTimers: () =>
      new Promise(() => {
        for (let at = 0; at < 3; at++) {
          setTimeout(() => {
            while (true) {}
          }, 1)
        }
      }),
  })

/** Nothing spins: the call is only let go of. */
export const waitingPatterns =
  /** @satisfies {Record<string, import('./sync-patterns.mjs').Pattern['hang']>} */ ({
    never: () => new Promise(() => {}),
    neverAwaited: async () => {
      await new Promise(() => {})
    },
    longTimer: () => new Promise((resolve) => setTimeout(resolve, 5000).unref()),
  })

/** These end by themselves, at about the time at which they are interrupted. */
export const endingPatterns =
  /** @satisfies {Record<string, import('./sync-patterns.mjs').Pattern['hang']>} */ ({
    shortLoop: (forMs) => {
      const end = performance.now() + forMs
      while (performance.now() < end) {}
      return 'ended'
    },
    shortAwaitLoop: async (forMs) => {
      const end = performance.now() + forMs
      while (performance.now() < end) await undefined
      return 'ended'
    },
    shortAfterAwait: async (forMs) => {
      await undefined
      const end = performance.now() + forMs
      while (performance.now() < end) {}
      return 'ended'
    },
    shortTimer: (forMs) => new Promise((resolve) => setTimeout(resolve, forMs, 'ended')),
    shortThrow: (forMs) => {
      const end = performance.now() + forMs
      while (performance.now() < end) {}
      throw new Error('ended')
    },
  })
