import type { Clock } from '../transport/clock.ts'
import type { LaunchedProcess } from '../transport/launcher.ts'
import { Output, type OutputOption } from './output.ts'

/** What the two standard streams of a worker need. */
export interface OutputsOptions {
  readonly options: { readonly stdout: OutputOption; readonly stderr: OutputOption }
  /** The worker's name, before each line that is forwarded. */
  readonly name: string
  readonly clock: Clock
  readonly onDropped: (stream: 'stdout' | 'stderr', bytes: number) => void
}

/** Begins to read what a worker prints. */
export function openOutputs(
  child: LaunchedProcess,
  { options, name, clock, onDropped }: OutputsOptions,
): { stdout: Output; stderr: Output } {
  const open = (streamName: 'stdout' | 'stderr'): Output =>
    new Output(child[streamName], options[streamName], name, process[streamName], {
      streamName,
      onDropped: (bytes) => onDropped(streamName, bytes),
      clock,
    })
  return { stdout: open('stdout'), stderr: open('stderr') }
}
