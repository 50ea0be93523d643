import { assign, setup } from 'xstate'

/** Why a supervisor ends. */
export type EndCause = 'stop' | 'autoShutdown' | 'reachedMaxRestarts' | 'startFailed'

/** What drives the machine. Single children are not among it: only what changes the supervisor as a whole. */
export type SupervisorMachineEvent =
  | { readonly type: 'children.ready' }
  | { readonly type: 'start.failed' }
  | { readonly type: 'restart.begun' }
  | { readonly type: 'restart.ended' }
  | { readonly type: 'limit.reached' }
  | { readonly type: 'significant.ended' }
  | { readonly type: 'pause.requested' }
  | { readonly type: 'resume.requested'; readonly restless: boolean }
  | { readonly type: 'stop.requested' }
  | { readonly type: 'kill.requested' }
  | { readonly type: 'children.gone' }

/** What the machine has done to the children. */
export interface SupervisorDrive {
  startChildren(): void
  stopChildren(because: EndCause): void
  killChildren(): void
  /** Deaths were held, and may be decided about now. */
  goOn(): void
}

/** What the machine remembers. */
export interface SupervisorMachineContext {
  readonly because: EndCause | undefined
  readonly drive: SupervisorDrive | undefined
}

const setupOfSupervisor = setup({
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- the way in which `setup` takes its types
  types: {} as {
    context: SupervisorMachineContext
    input: { readonly drive?: SupervisorDrive } | undefined
    events: SupervisorMachineEvent
  },
  actions: {
    becauseOfStop: assign({ because: 'stop' as const }),
    becauseOfLimit: assign({ because: 'reachedMaxRestarts' as const }),
    becauseOfStart: assign({ because: 'startFailed' as const }),
    becauseOfSignificant: assign({ because: 'autoShutdown' as const }),
    // Not by `provide`: that would make a machine anew for each supervisor.
    startChildren: ({ context }) => context.drive?.startChildren(),
    stopChildren: ({ context }) => context.drive?.stopChildren(context.because ?? 'stop'),
    killChildren: ({ context }) => context.drive?.killChildren(),
    goOn: ({ context }) => context.drive?.goOn(),
  },
  guards: {
    isRestless: ({ event }) => 'restless' in event && event.restless,
  },
})

/**
 * The life of one incarnation of a supervisor. Pure: what is done to the children is given from outside, as its input, so
 * the machine can be drawn and walked without any. `dead` is entered only when the last child is gone.
 */
export const supervisorMachine = setupOfSupervisor.createMachine({
  id: 'supervisor',
  context: ({ input }) => ({ because: undefined, drive: input?.drive }),
  initial: 'starting',
  states: {
    starting: {
      entry: 'startChildren',
      on: {
        'children.ready': 'running',
        'start.failed': { target: 'stopping', actions: 'becauseOfStart' },
        'stop.requested': { target: 'stopping', actions: 'becauseOfStop' },
        'kill.requested': { target: 'stopping.killing', actions: 'becauseOfStop' },
      },
    },
    running: {
      initial: 'steady',
      on: {
        'limit.reached': { target: 'stopping', actions: 'becauseOfLimit' },
        'significant.ended': { target: 'stopping', actions: 'becauseOfSignificant' },
        'stop.requested': { target: 'stopping', actions: 'becauseOfStop' },
        'kill.requested': { target: 'stopping.killing', actions: 'becauseOfStop' },
      },
      states: {
        steady: { on: { 'restart.begun': 'restarting', 'pause.requested': 'paused' } },
        restarting: { on: { 'restart.ended': 'steady', 'pause.requested': 'paused' } },
        paused: {
          exit: 'goOn',
          on: { 'resume.requested': [{ guard: 'isRestless', target: 'restarting' }, { target: 'steady' }] },
        },
      },
    },
    stopping: {
      initial: 'inOrder',
      on: { 'children.gone': 'dead' },
      states: {
        inOrder: { entry: 'stopChildren', on: { 'kill.requested': 'killing' } },
        killing: { entry: 'killChildren' },
      },
    },
    dead: { type: 'final' },
  },
})

/** The state in one word. */
export type SupervisorState = 'starting' | 'running' | 'restarting' | 'paused' | 'stopping' | 'dead'

/** The state of a snapshot in one word. */
export function supervisorStateOf(snapshot: { readonly value: unknown }): SupervisorState {
  const { value } = snapshot
  if (typeof value === 'string') return value as SupervisorState
  const { running } = value as { running?: string }
  if (running === undefined) return 'stopping'
  return running === 'steady' ? 'running' : (running as SupervisorState)
}
