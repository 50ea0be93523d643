export type {
  Argument,
  ArgumentPart,
  Arguments,
  CallParameters,
  ParameterMustReturnPromise,
} from './actors/argument.ts'
export type { CallOptions, CastOptions } from './actors/call-options.ts'
export type { WorkerTree } from './actors/descendants.ts'
export { explain } from './actors/explain.ts'
export type { EvaluateOptions, RunOptions } from './actors/evaluate-options.ts'
export type { CallInFlight, CrashReport, MemoryLimit } from './actors/crash-report.ts'
export type { ChildReport, RestartBudget, SupervisorEventBody } from './actors/supervisor-events.ts'
export type { EventBody, EventEnvelope, EventFilter, MaltsterEvent } from './actors/events.ts'
export type { WorkerCapabilities } from './actors/capabilities.ts'
export type { InterruptResult } from './actors/interrupts.ts'
export type { LoadOptions } from './actors/load.ts'
export type {
  LoadedExport,
  LoadedFunction,
  LoadedGenerator,
  LoadedModule,
  LoadedValue,
  UnknownModule,
} from './actors/loaded-module.ts'
export type { MovedEntry, Sending, WorkerMovement } from './actors/movement-account.ts'
export type { OutputOption } from './actors/output.ts'
export type { KeptInfo } from './actors/references.ts'
export { RemoteRef } from './actors/remote-ref.ts'
export type { GetOptions, KeepOptions } from './actors/remote-ref.ts'
export type { RunOutcome, RunResult } from './actors/run.ts'
export type { Scope } from './actors/scope.ts'
export type { StreamOptions } from './actors/stream-options.ts'
export type { StopOptions, Worker, WorkerStats } from './actors/worker.ts'
export type { WorkerActor, WorkerObserver, WorkerSnapshot, WorkerStateValue } from './actors/worker-actor.ts'
export type { GlobalName, WorkerGlobal, WorkerGlobals } from './actors/worker-globals.ts'
export type { WorkerState } from './actors/worker-machine.ts'
export type { Streamable, WorkerStream } from './actors/worker-stream.ts'
export type {
  HeartbeatOptions,
  MailboxOptions,
  PreloadOption,
  WorkerOptions,
} from './actors/worker-options.ts'
export { type ClassCodecOptions, registerClass, type RegistrableClass } from './child/register-class.ts'
export { BackpressureError, CallTimeoutError, InterruptedError, RemoteError } from './errors/call-errors.ts'
export type { RemoteErrorContext } from './errors/call-errors.ts'
export { CaptureError, DecodeError, EncodeError, ProtocolError } from './errors/data-errors.ts'
export { ChannelClosedError, ReleasedError } from './errors/flow-errors.ts'
export type { ExitReason, ExitType } from './errors/exit-reason.ts'
export { MaltsterError } from './errors/maltster-error.ts'
export type { ErrorContext, Executed } from './errors/maltster-error.ts'
export { RestartLimitError, SpecError, WorkerUnavailableError } from './errors/supervision-errors.ts'
export type { FailedLeaf, SpecFault } from './errors/supervision-errors.ts'
export {
  AuthenticationError,
  BootTimeoutError,
  SpawnError,
  WorkerDiedError,
  WorkerStoppedError,
} from './errors/worker-errors.ts'
export type { CaptureBounds, CapturePolicy } from './movement/capture-policy.ts'
export type { Channel, ChannelWaitOptions } from './movement/flow/channel.ts'
export type { ChannelOptions } from './movement/flow/channel-options.ts'
export { proxy } from './movement/flow/proxy.ts'
export type { Proxy } from './movement/flow/proxy.ts'
export type { ModuleReference } from './movement/module-reference.ts'
export type { MovementPlan, PlanEntry } from './movement/movement-plan.ts'
export type { SessionName } from './movement/session/session.ts'
export type { FunctionReference } from './movement/preload-plan.ts'
export { inProcessWorker } from './supervisor/in-process-worker.ts'
export type { InProcessOptions } from './supervisor/in-process-worker.ts'
export { liveWorkers } from './supervisor/live-workers.ts'
export { observe } from './supervisor/observe.ts'
export type { ItemFailure, MapOptions, MapProgress } from './supervisor/pool/map-options.ts'
export type { PoolCallOptions } from './supervisor/pool/pool-call-options.ts'
export type { PoolOptions, RecycleOptions } from './supervisor/pool/pool-options.ts'
export type { PoolMemberStats, PoolStats } from './supervisor/pool/pool-stats.ts'
export type { BroadcastOptions, ItemThere, MapInput, Pool, PoolStopOptions } from './supervisor/pool/pool.ts'
export type { RetryOptions } from './supervisor/pool/retry.ts'
export type { PoolKey } from './supervisor/pool/slot-of-key.ts'
export { formatReport } from './supervisor/report/format-report.ts'
export type { ReportFormat } from './supervisor/report/format-report.ts'
export { telemetryRecord } from './supervisor/report/telemetry-record.ts'
export type { TelemetryRecord } from './supervisor/report/telemetry-record.ts'
export { root } from './supervisor/root.ts'
export { shutdownOnSignals } from './supervisor/shutdown-on-signals.ts'
export type { SignalShutdownOptions } from './supervisor/shutdown-on-signals.ts'
export type {
  BackoffOptions,
  ChildSpec,
  InitOption,
  RestartType,
  Strategy,
  SupervisorSpec,
} from './supervisor/spec/supervisor-spec.ts'
export { supervise } from './supervisor/supervise.ts'
export type { ChildDown, HandleOf, Supervisor } from './supervisor/supervisor.ts'
export type { ChildState } from './supervisor/tree/child-run.ts'
export type { ChildCounts, ChildInfo, ChildTree, SupervisorTree } from './supervisor/tree/child-tree.ts'
export type { SupervisorState } from './supervisor/tree/supervisor-machine.ts'
export { spawnWorker } from './supervisor/spawn-worker.ts'
export { pool } from './supervisor/start-pool.ts'
export type { HandleState } from './supervisor/worker/follower.ts'
export type {
  FollowingOptions,
  HandleCallOptions,
  HandleEvaluateOptions,
  HandleKeepOptions,
  HandleOptions,
  HandleStreamOptions,
} from './supervisor/worker/handle-options.ts'
export type { WorkerHandle } from './supervisor/worker/worker-handle.ts'
export type { LaunchedProcess, Launcher, LaunchRequest, ProcessExit } from './transport/launcher.ts'
export type { Limits } from './transport/limits.ts'
export type { Transport, TransportReceiver } from './transport/transport.ts'
