import type { ModuleDefinition, SourceDefinition } from './definition.ts'

/** One thing that a worker does on every boot before it is ready. Travels as plain data; `name` is for messages. */
export type PreloadStep =
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
      readonly captures: readonly unknown[]
    }
