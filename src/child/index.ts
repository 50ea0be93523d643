/** The entry `maltster/worker`: what code inside a worker has besides. */

export { type ClassCodecOptions, registerClass, type RegistrableClass } from './register-class.ts'
export { channel, currentCall, exitWith } from './worker.ts'
export type { CurrentCall, WorkerIdentity } from './worker-context.ts'
export type { Channel, ChannelWaitOptions } from '../movement/flow/channel.ts'
export type { ChannelOptions } from '../movement/flow/channel-options.ts'
export { proxy } from '../movement/flow/proxy.ts'
export type { Proxy } from '../movement/flow/proxy.ts'
