import type { ModuleDefinition, SourceDefinition } from './definition.ts'

/** A frame about what functions refer to, inside of another one. */
export interface HeldFrame {
  readonly type: number
  readonly aux: number
  readonly flags: number
  readonly bytes: Uint8Array
  readonly attachments: readonly Uint8Array[]
}

/** A function with what it refers to, as far as earlier steps have not brought that. */
export interface LiveStep {
  readonly kind: 'live'
  readonly name: string
  readonly frames: readonly HeldFrame[]
  /** The content that it is. */
  readonly content: number
}

/** One thing that a worker does on every boot before it is ready. Travels as plain data; `name` is for messages. */
export type PreloadStep =
  | LiveStep
  | { readonly kind: 'module'; readonly name: string; readonly module: string }
  | {
      readonly kind: 'source'
      readonly name: string
      readonly source: string
      readonly filename: string | undefined
    }
  | {
      readonly kind: 'function'
      readonly name: string
      readonly definition: SourceDefinition | ModuleDefinition
    }
