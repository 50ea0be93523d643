import { type CallbackActorLogic, assign, fromCallback, sendTo, setup } from 'xstate'

import type { ExitReason } from '../errors/exit-reason.ts'

/** What the machine tells the process. */
export type ProcessCommand =
  | { readonly type: 'process.askExit' }
  | { readonly type: 'process.terminate' }
  | { readonly type: 'process.kill'; readonly because: 'shutdown' | 'killed' | 'boot' }
  | { readonly type: 'process.suspend' }
  | { readonly type: 'process.resume' }

/** What drives the machine. Single calls are not among it: only the first and the last of a run of them. */
export type WorkerEvent =
  | { readonly type: 'process.ready' }
  | { readonly type: 'process.exited'; readonly reason: ExitReason }
  | { readonly type: 'call.first' }
  | { readonly type: 'call.last' }
  | { readonly type: 'interrupt.started' }
  | { readonly type: 'interrupt.finished'; readonly busy: boolean }
  | { readonly type: 'suspend.requested' }
  | { readonly type: 'resume.requested'; readonly busy: boolean }
  | { readonly type: 'stop.requested'; readonly busy: boolean; readonly delays: StopDelays }
  | { readonly type: 'kill.requested' }

/** How long each rung of a stop may take. */
export interface StopDelays {
  readonly drainMs: number
  readonly exitMs: number
  readonly termMs: number
}

export interface WorkerMachineInput {
  readonly bootTimeoutMs: number
}

export interface WorkerMachineContext extends WorkerMachineInput, StopDelays {
  readonly exit: ExitReason | undefined
}

const noProcess: CallbackActorLogic<ProcessCommand> = fromCallback(() => {
  throw new Error('The machine is drawn and tested without a process; provide one to run it.')
})

const setupOfWorker = setup({
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the way in which `setup` takes its types
  types: {} as {
    context: WorkerMachineContext
    input: WorkerMachineInput
    events: WorkerEvent
    tags: 'busy' | 'accepting'
    children: { process: 'process' }
  },
  actors: { process: noProcess },
  actions: {
    recordExit: assign({
      exit: ({ event, context }) => (event.type === 'process.exited' ? event.reason : context.exit),
    }),
    recordDelays: assign(({ event }) => (event.type === 'stop.requested' ? event.delays : {})),
    askExit: sendTo('process', { type: 'process.askExit' }),
    terminate: sendTo('process', { type: 'process.terminate' }),
    killForShutdown: sendTo('process', { type: 'process.kill', because: 'shutdown' }),
    killOnRequest: sendTo('process', { type: 'process.kill', because: 'killed' }),
    killUnbooted: sendTo('process', { type: 'process.kill', because: 'boot' }),
    suspend: sendTo('process', { type: 'process.suspend' }),
    resume: sendTo('process', { type: 'process.resume' }),
    /** Filled by the handle: calls that wait are refused from here on. */
    refuseCalls: () => {},
  },
  guards: {
    isBusy: ({ event }) => 'busy' in event && event.busy,
  },
  delays: {
    bootTimeout: ({ context }) => context.bootTimeoutMs,
    drain: ({ context }) => context.drainMs,
    exit: ({ context }) => context.exitMs,
    term: ({ context }) => context.termMs,
  },
})

const kill = {
  'kill.requested': { target: '#worker.stopping.killing', actions: 'killOnRequest' },
} as const
/** Nothing is in flight: the process can be asked at once. */
const stopQuiet = {
  'stop.requested': { target: '#worker.stopping.exiting', actions: 'recordDelays' },
} as const
const stopBusy = {
  'stop.requested': { target: '#worker.stopping.draining', actions: 'recordDelays' },
} as const
const stopEither = {
  'stop.requested': [
    { guard: 'isBusy', target: '#worker.stopping.draining', actions: 'recordDelays' },
    { target: '#worker.stopping.exiting', actions: 'recordDelays' },
  ],
} as const

/**
 * The life of one incarnation of a worker. Pure: its process is an invoked actor that is provided from outside, so
 * the machine can be drawn, walked and timed without one. `process.exited` wins in every state, and `dead` is
 * entered only by it: never because a signal was sent.
 */
export const workerMachine = setupOfWorker.createMachine({
  id: 'worker',
  context: ({ input }) => ({ ...input, drainMs: 1000, exitMs: 1000, termMs: 1000, exit: undefined }),
  invoke: { src: 'process', id: 'process' },
  on: { 'process.exited': { target: '.dead', actions: 'recordExit' } },
  initial: 'booting',
  states: {
    booting: {
      on: { ...kill, ...stopQuiet, 'process.ready': 'idle' },
      after: { bootTimeout: { target: '#worker.stopping.killing', actions: 'killUnbooted' } },
    },
    idle: {
      tags: 'accepting',
      on: {
        ...kill,
        ...stopQuiet,
        'call.first': 'running',
        'interrupt.started': 'interrupting',
        'suspend.requested': 'suspended',
      },
    },
    running: {
      tags: ['accepting', 'busy'],
      on: {
        ...kill,
        ...stopBusy,
        'call.last': 'idle',
        'interrupt.started': 'interrupting',
        'suspend.requested': 'suspended',
      },
    },
    interrupting: {
      tags: 'accepting',
      on: {
        ...kill,
        ...stopEither,
        'interrupt.finished': [{ guard: 'isBusy', target: 'running' }, { target: 'idle' }],
      },
    },
    suspended: {
      tags: 'accepting',
      entry: 'suspend',
      exit: 'resume',
      on: {
        ...kill,
        ...stopEither,
        'resume.requested': [{ guard: 'isBusy', target: 'running' }, { target: 'idle' }],
      },
    },
    stopping: {
      on: { 'kill.requested': { target: '.killing', actions: 'killOnRequest' } },
      states: {
        draining: { on: { 'call.last': 'exiting' }, after: { drain: 'exiting' } },
        exiting: { entry: ['refuseCalls', 'askExit'], after: { exit: 'terminating' } },
        terminating: {
          entry: 'terminate',
          after: { term: { target: 'killing', actions: 'killForShutdown' } },
        },
        killing: {},
      },
      initial: 'draining',
    },
    dead: { type: 'final' },
  },
})

/** The state in one word, as the handle shows it. */
export type WorkerState = 'booting' | 'idle' | 'running' | 'interrupting' | 'suspended' | 'stopping' | 'dead'

/** The state of a snapshot in one word. */
export function stateOf(snapshot: { readonly value: unknown }): WorkerState {
  return (typeof snapshot.value === 'string' ? snapshot.value : 'stopping') as WorkerState
}
