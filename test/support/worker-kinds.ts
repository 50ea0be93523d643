/**
 * What the tests of workers are run with: the three transports, a launcher in between, and no process at all. Each is a
 * project of `vitest.config.ts`; `pipe`, the default of the package, is `main`, which runs all tests.
 */
export const workerKinds = ['pipe', 'uds', 'tcp', 'command', 'in-process'] as const

export type WorkerKind = (typeof workerKinds)[number]

/**
 * - `process`: it is a process: has an id and a surrounding of its own, takes signals, may end, and knows no other globals
 * - `interrupt`: what spins can be cut off, and meanwhile the host goes on
 * - `stdio`: its standard output and error can be read
 * - `local`: the host itself starts it: it sees at once what can't be started, and is told the id before the boot
 * - `network`: its data lane is a socket, where others may knock
 * - `file`: that socket is a file
 * - `reset`: that socket can be reset by the other side
 */
export type Capability = 'process' | 'interrupt' | 'stdio' | 'local' | 'network' | 'file' | 'reset'

export const capabilitiesOf: Readonly<Record<WorkerKind, readonly Capability[]>> = {
  pipe: ['process', 'interrupt', 'stdio', 'local'],
  uds: ['process', 'interrupt', 'stdio', 'local', 'network', 'file'],
  tcp: ['process', 'interrupt', 'stdio', 'local', 'network', 'reset'],
  command: ['process', 'interrupt', 'stdio'],
  'in-process': [],
}

/** The worker suite: run with every kind, as far as the kind can. */
const forAllKinds = [
  'test/actors/mailbox.test.ts',
  'test/actors/states.test.ts',
  'test/child/current-call.test.ts',
  'test/child/interrupt-targets.test.ts',
  'test/scenarios/adversity.test.ts',
  'test/scenarios/callbacks.test.ts',
  'test/scenarios/calls.test.ts',
  'test/scenarios/channel-values.test.ts',
  'test/scenarios/channels.test.ts',
  'test/scenarios/ends.test.ts',
  'test/scenarios/errors.test.ts',
  'test/scenarios/evaluations.test.ts',
  'test/scenarios/interrupts.test.ts',
  'test/scenarios/preload-functions.test.ts',
  'test/scenarios/register-class.test.ts',
  'test/scenarios/interrupted-waits.test.ts',
  'test/scenarios/modules.test.ts',
  'test/scenarios/references.test.ts',
  'test/scenarios/start.test.ts',
  'test/scenarios/stops.test.ts',
  'test/scenarios/stream-ends.test.ts',
  'test/scenarios/streams.test.ts',
  'test/scenarios/worker-functions.test.ts',
  'test/supervisor/observe.test.ts',
]

/** What is about processes from its first line to its last. */
const forProcesses = [
  'test/actors/surroundings.test.ts',
  'test/child/interrupt-ways.test.ts',
  'test/scenarios/boot-faults.test.ts',
  'test/scenarios/host-ends.test.ts',
  'test/scenarios/idle-faults.test.ts',
  'test/scenarios/interrupt-reports.test.ts',
  'test/scenarios/live-lies.test.ts',
  'test/scenarios/preload.test.ts',
  'test/scenarios/run.test.ts',
  'test/scenarios/running-faults.test.ts',
  'test/scenarios/secrets.test.ts',
  'test/scenarios/stream-faults.test.ts',
  'test/scenarios/wire-faults.test.ts',
]

/** The tree above processes knows nothing of lanes: one kind of socket stands for both. */
const forTrees = [
  'test/scenarios/supervision-ends.test.ts',
  'test/scenarios/supervision-restarts.test.ts',
  'test/scenarios/supervision-start.test.ts',
  'test/supervisor/pool/pool-processes.test.ts',
]

/** What is about sockets. */
const forNetworks = ['test/scenarios/rendezvous-faults.test.ts']

/** The files of the worker suite that are run with this kind. */
export function filesOf(kind: WorkerKind): readonly string[] {
  const capabilities = capabilitiesOf[kind]
  return [
    ...forAllKinds,
    ...(capabilities.includes('process') ? forProcesses : []),
    ...(capabilities.includes('process') && kind !== 'tcp' ? forTrees : []),
    ...(capabilities.includes('network') ? forNetworks : []),
  ]
}

/** What only sockets have, so that there is nothing in it for pipes. */
export const filesWithoutPipe: readonly string[] = forNetworks
