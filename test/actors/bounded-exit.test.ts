import { Readable } from 'node:stream'
import { BootTimeoutError, WorkerDiedError } from 'maltster'
import type { LaunchedProcess, Launcher, ProcessExit } from 'maltster/transport'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Incarnation } from '../../dist/actors/incarnation.js'
import { resolveOptions } from '../../dist/actors/resolve-options.js'
import { systemSeams } from '../../dist/actors/seams.js'
import { inProcessLauncher } from '../../dist/supervisor/in-process-launcher.js'
import { plantTree } from '../../dist/supervisor/tree/plant-tree.js'
import { systemTreeSeams } from '../../dist/supervisor/tree/tree-seams.js'
import { WorkerKind } from '../../dist/supervisor/worker/worker-kind.js'
import { memoryTransportPair } from '../../dist/transport/memory-transport.js'
import { rejection, until } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { SimulatedClock } from '../support/simulated-clock.ts'

useLeakCheck()

/** What a launcher has from its kill on, and what a process has whose end is known. */
const boundMs = 10_500
const drainMs = 100

type Way = 'guest' | 'nobody'

/** Starts a guest of this process, or nobody at all, and keeps what becomes of it to itself, until it is asked. */
class MuteLauncher implements Launcher {
  readonly kind = 'mute'
  readonly isLocal = false
  readonly isGuest = true as const
  readonly #way: Way
  readonly signals: string[] = []
  fault: Error | undefined
  isHeld = false
  tell: (exit: ProcessExit) => void = () => {}

  constructor(way: Way) {
    this.#way = way
  }

  launch(request: Parameters<Launcher['launch']>[0]): LaunchedProcess {
    const launched = this.#way === 'guest' ? inProcessLauncher.launch(request) : this.#nobody()
    return {
      ...launched,
      onExit: (listener) => {
        this.tell = listener
      },
      signalGroup: (signal) => {
        this.signals.push(signal)
        if (this.fault !== undefined) throw this.fault
      },
      ref: () => {
        this.isHeld = true
        launched.ref()
      },
      unref: () => {
        this.isHeld = false
        launched.unref()
      },
    }
  }

  #nobody(): LaunchedProcess {
    const [[data], [control]] = [memoryTransportPair(), memoryTransportPair()]
    const none = (): void => {}
    const streams = { stdout: Readable.from([]), stderr: Readable.from([]) }
    return {
      pid: 7,
      data,
      control,
      ...streams,
      onExit: none,
      onFailed: none,
      signalGroup: none,
      ref: none,
      unref: none,
    }
  }
}

function living(way: Way) {
  const launcher = new MuteLauncher(way)
  const clock = new SimulatedClock()
  const options = resolveOptions({ bootTimeoutMs: 1000, launcher }, 'quiet')
  const identity = { name: 'quiet', path: 'quiet', incarnation: 1 }
  return { launcher, clock, incarnation: new Incarnation(options, identity, { ...systemSeams, clock }) }
}

function recordWarnings(): string[] {
  const warnings: string[] = []
  const note = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', note)
  onTestFinished(() => void process.off('warning', note))
  return warnings
}

describe('a launcher that tells of no end', () => {
  test('is waited for no longer than that when a start has run out of time', async () => {
    const { clock, incarnation, launcher } = living('nobody')
    clock.runFor(1000 + boundMs - 1)
    expect([incarnation.state, launcher.signals]).toEqual(['stopping', ['SIGKILL']])
    clock.runFor(1 + drainMs)
    expect([incarnation.state, launcher.isHeld, clock.pending]).toEqual(['dead', false, 0])
    const error = await rejection(incarnation.ready, BootTimeoutError)
    expect(error.message).toMatch(/within 1000 ms \(`bootTimeoutMs`\).*`mute`/)
    const reason = await incarnation.exited
    expect(reason).toMatchObject({ type: 'boot', exitCode: null, signal: null })
    expect((reason.cause as Error).message).toContain('`mute`')
    // Too late, and no second end.
    launcher.tell({ exitCode: 0, signal: null })
    expect(await incarnation.exited).toBe(reason)
  })

  test('nor when it is killed: its calls are told, and by whom they were kept waiting', async () => {
    const { clock, incarnation } = living('guest')
    await incarnation.ready
    const call = rejection(
      incarnation.calls.start(() => new Promise(() => {}), [], {}),
      WorkerDiedError,
    )
    incarnation.kill('SIGKILL')
    clock.runFor(boundMs + drainMs)
    expect(await incarnation.exited).toMatchObject({ type: 'killed', exitCode: null, signal: null })
    const error = await call
    expect(error.message).toContain('`mute`')
    expect(error.reason.cause).toBe(error.cause)
    expect(clock.pending).toBe(0)
  })

  test('nor when it has ended by itself: then the loss of its lanes is what led to it', async () => {
    const { clock, incarnation, launcher } = living('guest')
    await incarnation.ready
    void incarnation.stop({ drainMs: 0, exitMs: Infinity, termMs: Infinity })
    await until('its lanes are over', () => {
      clock.runFor(50)
      return launcher.signals.length > 0
    })
    clock.runFor(boundMs + drainMs)
    const reason = await incarnation.exited
    expect(reason).toMatchObject({ type: 'shutdown', exitCode: null })
    expect((reason.cause as Error).message).toContain('`mute`')
  })

  test('and one that can send no signal neither breaks the worker nor who ends others with it', async () => {
    const warnings = recordWarnings()
    const { clock, incarnation, launcher } = living('nobody')
    launcher.fault = new Error('no way there')
    incarnation.kill('SIGKILL')
    clock.runFor(boundMs + drainMs)
    expect(await incarnation.exited).toMatchObject({ type: 'killed' })
    // There may be others, of whatever else there is in this process.
    const words = 'A launcher (`mute`) could not send SIGKILL: Error: no way there'
    await until('it is a warning', () => warnings.includes(words))
  })

  test('if it tells in time nothing is left of that', async () => {
    const { clock, incarnation, launcher } = living('nobody')
    incarnation.kill('SIGKILL')
    clock.runFor(boundMs - 1)
    launcher.tell({ exitCode: null, signal: 'SIGKILL' })
    clock.runFor(drainMs)
    expect(await incarnation.exited).toMatchObject({ type: 'killed', signal: 'SIGKILL' })
    expect((await incarnation.exited).cause).toBe(undefined)
    expect(clock.pending).toBe(0)
  })

  test('holds up no supervisor: its child is started anew, and the tree ends', async () => {
    const clock = new SimulatedClock()
    const seams = { ...systemTreeSeams, clock }
    const launcher = new MuteLauncher('guest')
    const app = plantTree(
      { children: [{ id: 'kernel', worker: { launcher } }] },
      {
        id: 'app',
        path: 'app',
        leaves: {
          worker: (options, { id }) => new WorkerKind(id, options, { seams: { ...systemSeams, clock } }),
          pool: () => {
            throw new Error('There is no pool here.')
          },
        },
        seams,
        listener: { ready: () => {}, skipped: () => {}, failed: () => {}, exited: () => {} },
      },
    )
    const kernel = app.worker('kernel')
    await until('it is up', () => kernel.current?.state === 'idle')
    kernel.kill()
    clock.runFor(boundMs + drainMs)
    await until('it is up again', () => kernel.current?.state === 'idle')
    expect(kernel.incarnation).toBe(2)
    const stopped = app.stop()
    // The guest ends by itself, and nobody hears of that.
    await until('its time is over', () => {
      clock.runFor(100)
      return app.state === 'dead'
    })
    expect(await stopped).toMatchObject({ type: 'shutdown' })
    expect(kernel.state).not.toBe('stopping')
    expect(clock.pending).toBe(0)
  })
})
