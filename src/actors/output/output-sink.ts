/** Where bytes of a worker's output go. The bytes are not used again by whoever gives them, and may be kept. */
export interface OutputSink {
  write(bytes: Buffer): void
  /** Nothing more comes. Called once. */
  end(): void
}

/** Where lines of a worker's output go. */
export interface LineSink {
  line(text: string): void
  /** After the last line, for now: what was put together can go out. */
  flush(): void
  end(): void
}

/** For output that nobody wants. */
export const noSink: OutputSink = { write: () => {}, end: () => {} }
