/** Where a source begins in a file; line and column from 1. */
export interface SourcePlace {
  /** A URL or path. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One function or class as source that can be made anew elsewhere. Plain data. */
export interface SourcePart {
  /** Its `name` over there; may be empty, and need not be an identifier. */
  readonly name: string
  /** An expression; its first line is the first line of what the user wrote. */
  readonly source: string
  /** Whether it is strict code. Decided by the sender: see `readFunction`. */
  readonly isStrict: boolean
  /** The names under which the parts of this definition refer to it; always identifiers. */
  readonly bindings: readonly string[]
}

/** A function by its source, with the functions and classes it refers to. */
export interface SourceDefinition extends SourcePart {
  readonly kind: 'source'
  /** Where it is written, for stacks; absent if that is not known. */
  readonly place?: SourcePlace
  /** Values that travel with each call, in this order. */
  readonly captureNames: readonly string[]
  /** Functions and classes given by `captures`; they see each other, the captured values and the function. */
  readonly helpers: readonly SourcePart[]
}

/** A module as a worker can find it. */
export interface ModulePlace {
  /** What `import()` takes: a `file:`, `data:` or `node:` URL, or the name of a package or builtin. */
  readonly module: string
  /** The URL of the file that the name is resolved from; absent for the current directory. */
  readonly from?: string
  /** Modules to import before it, since it is TypeScript: the host was started with them. */
  readonly loaders?: readonly ModulePlace[]
}

/** A function by the module that exports it; the module is imported where it is called. */
export interface ModuleDefinition extends ModulePlace {
  readonly kind: 'module'
  readonly export: string
}

/** A function of the runtime itself: see `runtimeFunction`. */
export interface RuntimeDefinition {
  readonly kind: 'runtime'
  readonly name: string
}

/** A function that was sent with what it refers to: see `graph/`. */
export interface LiveDefinition {
  readonly kind: 'live'
  /** The content that it is; 0 if each call names its own. */
  readonly content: number
}

/** What a worker must be told, once, to be able to call a function. Travels as plain data. */
export type FunctionDefinition = SourceDefinition | ModuleDefinition | RuntimeDefinition | LiveDefinition
