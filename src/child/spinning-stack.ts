/** Where the main thread was when the prepare step ran, from the innermost frame outwards. */
export interface SpinningStack {
  /** The stack as text for people, without frames of Node's internals and of this runtime. */
  readonly at: string
  /** Whether the innermost frame is the user's, so that cutting here tears nothing of ours or of Node's. */
  readonly isUserCode: boolean
  /** Whether a cut may drop microtasks or immediates: unless the code was entered from a macrotask that is known to lose none. */
  readonly losesMicrotasks: boolean
}

// Taken before user code can replace it.
const { captureStackTrace } = Error
const maxFrames = 200
const shownFrames = 20
/** What holds a write, and the write that is held. */
const heldFrames = 2

/** Takes the stack with plain formatting, whatever the user has done to `Error`. */
function takeStack(above: (...args: never[]) => unknown): string[] {
  const { stackTraceLimit, prepareStackTrace } = Error
  Error.stackTraceLimit = maxFrames
  Reflect.deleteProperty(Error, 'prepareStackTrace')
  const holder: { stack?: string } = {}
  captureStackTrace(holder, above)
  const lines = (holder.stack ?? '').split('\n').slice(1)
  Error.stackTraceLimit = stackTraceLimit
  if (prepareStackTrace !== undefined) Error.prepareStackTrace = prepareStackTrace
  return lines.map((line) => line.trim())
}

/** The parser of a session may be cut off like user code, but is none. */
const isSession = (frame: string): boolean => frame.includes('[maltster session]')
const isInternal = (frame: string): boolean => /[( ]node:/.test(frame)
/** Context tracking stands between a call's function and the runtime when calls overlap. */
const isContext = (frame: string): boolean => /\bnode:(internal\/)?async_(hooks|local_storage)/.test(frame)
const isConsole = (frame: string): boolean => frame.includes('(node:internal/console/')
const hasNoPlace = (frame: string): boolean => /\(<anonymous>\)$|\(native\)$|^at <anonymous>$/.test(frame)

/**
 * What has called a write that is held. The console is in order behind a write: what it still does is to take back a
 * listener, and its next write does that. A `timeout` of `vm` may have ended the hold without its knowing, so it is
 * looked at whether it is there.
 */
function belowHeldWrite(frames: string[], isRuntime: (frame: string) => boolean): string[] {
  const placed = frames.filter((frame) => !hasNoPlace(frame))
  if (!placed.slice(0, heldFrames).every(isRuntime)) return frames
  const writer = placed.slice(heldFrames).find((frame) => !isConsole(frame))
  return writer === undefined ? frames : frames.slice(frames.indexOf(writer))
}

/**
 * Reads the stack of the code that the prepare step interrupted.
 * @param above - the prepare step: it and what evaluated it are left out
 * @param runtimeFile - path of the bundled child, to know our own frames
 * @param hostPlaces - directories of the code by which this worker is a host. What it calls may be anything, so no cut is
 *   made above it either: it would not come to its end.
 * @param isHeld - it is held at the end of a write to stdout or stderr
 */
export function spinningStack(
  above: (...args: never[]) => unknown,
  runtimeFile: string,
  hostPlaces: readonly string[],
  isHeld = false,
): SpinningStack {
  // The evaluated expression itself is an anonymous script, one line long.
  const taken = takeStack(above).filter((frame) => !/^at <anonymous>:1:\d+$/.test(frame))
  const isRuntime = (frame: string): boolean => frame.includes(runtimeFile)
  const frames = isHeld ? belowHeldWrite(taken, isRuntime) : taken
  const isHost = (frame: string): boolean => hostPlaces.some((place) => frame.includes(place))
  const placed = frames.filter((frame) => !hasNoPlace(frame))
  // Optimised, a ring of `queueMicrotask` can be met nowhere else; cut there, its next round is not queued.
  const top = placed.find((frame) => !frame.startsWith('at queueMicrotask (node:'))
  const entry = placed.find((frame) => (isInternal(frame) || isRuntime(frame)) && !isContext(frame))
  // A cut in an immediate, also in a tick between two of them, loses the other immediates of that round. How a very
  // deep stack began can't be seen.
  const inImmediates =
    taken.length >= maxFrames || placed.some((frame) => frame.includes('processImmediate (node:'))
  const isMacrotask =
    entry !== undefined &&
    ((isRuntime(entry) && placed.some((frame) => frame.includes('.dispatchFrames '))) ||
      entry.includes('listOnTimeout (node:'))
  const isUsers = (frame: string): boolean => !isInternal(frame) && !isRuntime(frame) && !isHost(frame)
  const shown = frames.filter((frame) => isUsers(frame) && !isSession(frame)).slice(0, shownFrames)
  return {
    at: shown.map((frame) => `    ${frame}`).join('\n'),
    isUserCode: top !== undefined && isUsers(top) && !placed.some(isHost),
    losesMicrotasks: !isMacrotask || inImmediates,
  }
}
