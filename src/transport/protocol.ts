/** Version of the wire. Both sides must have the same; `docs/protocol.md` has the rule. */
export const protocolVersion = 5

/** Bytes of a frame header. */
export const headerBytes = 16

/** Bytes of the descriptor of one attachment: its length as two little-endian u32, low then high. */
export const descriptorBytes = 8

/** What a frame `forget` is about, in its `aux`. */
export const forgotten = { contents: 0, bindings: 1 } as const

/** Kinds of frames. Which side may send which is in `docs/protocol.md`. */
export const frameType = {
  /** Data lane, worker to host: the main thread is there. Control lane: the sentinel is. Body: hello. */
  hello: 1,
  /** Data lane, host to worker, first frame: what the worker has to know. */
  configure: 2,
  /** Host to worker: a function, under the function id in `aux`. */
  define: 3,
  /** Host to worker: run function `aux` as call `id`. */
  call: 4,
  /** Worker to host: call `id` returned. */
  result: 5,
  /** Worker to host: call `id` did not return. */
  error: 6,
  /** Worker to host, last frame: the worker ends on purpose, and why. */
  goodbye: 7,
  /** Host to worker: end now, by yourself. */
  exit: 8,
  /** Worker to host: configured; calls are welcome. */
  ready: 9,
  /** Host to worker, first and only frame of a bootstrap lane: where the data lane is to be found. */
  connect: 10,
  /** Worker to host, in place of `ready`: a step of `preload` failed. */
  bootFailed: 11,
  /** Worker to host: something happened to a worker that was started in this one. */
  event: 12,
  /** Host to worker: the code of a function, under the number in `aux`. */
  code: 13,
  /** Host to worker: a value as bytes to keep, under the number in `aux`. */
  content: 14,
  /** Host to worker: the variable `aux` has from now on the value of a content. */
  bind: 15,
  /** Control lane, host to worker: end calls. */
  interrupt: 16,
  /** Control lane, worker to host: what became of it. */
  interrupted: 17,
  /** Control lane, host to worker: tell memory and processor time. */
  measure: 18,
  /** Control lane, worker to host: the answer. */
  measured: 19,
  /** Control lane, worker to host: an uncaught error is about to end the process. */
  dying: 20,
  /** Control lane, both ways: answered by the sentinel though the main thread be busy. */
  ping: 21,
  pong: 22,
  /** Control lane, host to worker: what the sentinel shall watch. */
  watch: 23,
  /** Data lane, host to worker: contents that will not be asked for again. */
  forget: 24,
  /** Host to worker: as `call`, but what the generator of function `aux` yields comes as `items`. */
  stream: 25,
  /** Host to worker: as `call`, but the value stays there; `result` tells its number and what it is. */
  keep: 26,
  /** Worker to host: some of what stream `id` yielded. */
  items: 27,
  /** Host to worker: stream `id` may send `aux` items more, and so many bytes more as the body says. */
  credit: 28,
  /** Host to worker: nobody reads stream `id` any more. */
  endStream: 29,
  /** Both ways: asks the receiver's exported object `aux` for something, as request `id` of the sender. */
  request: 30,
  /** Both ways: request `id` of the receiver has come to this. */
  reply: 31,
  /** Both ways: request `id` of the receiver failed. */
  failure: 32,
  /** Both ways: request `id` of the sender is not wanted any more. */
  withdraw: 33,
  /** Both ways: the sender uses the receiver's exported object `aux` no more. */
  release: 34,
  /** Host to worker: call `id` has been settled here, before it was answered; in order with what else goes there. */
  endCall: 35,
} as const

/** Bits of a frame header's flags. The low four belong to the codec. */
export const frameFlag = {
  /** Codec: the body is a node table, not a plain value. */
  nodeTable: 1,
  /** Call: nobody waits for an answer. */
  cast: 16,
  /** Call: not foreground; interrupts pass it by. */
  background: 32,
  /** Call: the value is not sent back. */
  discard: 64,
  /** Call: the body is `[args, captures]`, not `args`. */
  captures: 128,
} as const

/** Whether a frame that a worker sends is about a call. */
export const isCallFrame = (type: number): boolean =>
  type === frameType.result || type === frameType.error || type === frameType.items

/** Whether a frame is about values that stay where they are. */
export const isLiveFrame = (type: number): boolean => type >= frameType.request && type <= frameType.release

/** The bits of the flags that a codec may set. */
export const codecFlags = 15
