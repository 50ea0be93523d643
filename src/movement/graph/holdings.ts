import type { Codec, IncomingBody } from '../../transport/codec.ts'
import type { IncomingFrame } from '../../transport/frame-reader.ts'
import { forgotten, frameType } from '../../transport/protocol.ts'
import type { RegisteredClasses } from '../../transport/codec/registered-classes.ts'
import type { FunctionDefinition } from '../definition.ts'
import { Cell } from './cell.ts'
import { type CodeFactory, compileCode } from './compile-code.ts'
import type { CodeDefinition } from './code-definition.ts'
import { importLoaders } from '../module-exports.ts'
import { loadImport } from './load-import.ts'
import { type HeldCode, rebuildGraph, type Surroundings } from './rebuild-graph.ts'
import { runtimeFunction } from '../runtime-function.ts'
import type { Row } from './rows.ts'

/** What matters of a frame about what functions refer to. */
export type HoldableFrame = IncomingBody & Pick<IncomingFrame, 'type' | 'aux'>

interface Code {
  readonly definition: CodeDefinition
  factory: CodeFactory | undefined
  readonly imported: Map<string, unknown>
  failure: Error | undefined
}

interface Binding {
  readonly cell: Cell
  /** The content that it was given last. */
  content: number
  isBound: boolean
  failure: Error | undefined
  /** It is made once more, since what was missing may be there now. */
  isTriedAgain: boolean
  waiting: Waiting[]
}

/** What a frame `bind` says; `renewed` are bindings that this one refers to, and which are given a value after it. */
export type BindBody = [
  module: string,
  name: string,
  isConstant: boolean,
  content: number,
  ...renewed: number[],
]

/** Something that a value has to be given when it is there. */
interface Waiting {
  readonly assign: (value: unknown) => void
  /** What it is part of. */
  readonly owner: Binding | undefined
}

/** What has to wait for imports, in the order in which it came: something to be done, or somebody to be let go on. */
interface Step {
  readonly act: () => void
  /** It goes on by itself a moment later, and what comes after it must not be done before. */
  readonly isCall: boolean
}

const { setImmediate } = globalThis

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/** What a worker holds of what its host has sent: codes, contents, and the variables of modules. */
export class Holdings implements Surroundings {
  readonly #codec: Codec
  readonly #classes: RegisteredClasses
  readonly #codes = new Map<number, Code>()
  readonly #contents = new Map<number, IncomingBody>()
  readonly #bindings = new Map<number, Binding>()
  /** Whose value is being made. */
  #making: Binding | undefined
  #loading = 0
  readonly #queue: Step[] = []
  #isCallStarting = false

  constructor(codec: Codec, classes: RegisteredClasses) {
    this.#codec = codec
    this.#classes = classes
  }

  /** Whether a function looks up, or changes, what is held here. */
  serves(definition: FunctionDefinition): boolean {
    return (
      definition.kind === 'live' ||
      (definition.kind === 'runtime' && Object.hasOwn(this.functions, definition.name))
    )
  }

  /** Something that came is still to be put in place. */
  get isBusy(): boolean {
    return this.#loading > 0 || this.#isCallStarting || this.#queue.length > 0
  }

  /** Undefined if everything that came is in place; else a promise of that, and nothing that comes later is before it. */
  turn(): Promise<void> | undefined {
    if (!this.isBusy) return undefined
    return new Promise((resolve) => {
      this.#queue.push({ act: resolve, isCall: true })
    })
  }

  #inTurn(act: () => void): void {
    if (this.isBusy) this.#queue.push({ act, isCall: false })
    else act()
  }

  take(frame: HoldableFrame): void {
    const { type, aux } = frame
    if (type === frameType.code) this.#define(aux, frame)
    else if (type === frameType.content) this.#keep(aux, frame)
    else if (type === frameType.forget) this.#forget(this.#codec.decode(frame) as number[], aux)
    else this.#bind(aux, ...(this.#codec.decode(frame) as BindBody))
  }

  #define(id: number, body: IncomingBody): void {
    const definition = this.#codec.decode(body) as CodeDefinition
    const code: Code = { definition, factory: undefined, imported: new Map(), failure: undefined }
    this.#codes.set(id, code)
    try {
      code.factory = compileCode(definition)
      for (const [name, reference] of definition.imports) {
        const loaded = loadImport(reference)
        if (!(loaded instanceof Promise)) code.imported.set(name, loaded)
        else this.#await(code, loaded, (value) => code.imported.set(name, value))
      }
      if (definition.loaders !== undefined) this.#await(code, importLoaders(definition.loaders), () => {})
    } catch (error) {
      code.failure = asError(error)
    }
  }

  #await(code: Code, loaded: Promise<unknown>, take: (value: unknown) => void): void {
    this.#loading++
    void loaded
      .then(take, (error: unknown) => {
        code.failure = asError(error)
      })
      .then(() => this.#oneIsLoaded())
  }

  #oneIsLoaded(): void {
    this.#loading--
    this.#goOn()
  }

  #goOn(): void {
    while (this.#loading === 0 && !this.#isCallStarting) {
      const step = this.#queue.shift()
      if (step === undefined) return
      if (step.isCall) this.#letStart()
      step.act()
    }
  }

  /** A call starts in a microtask, and may be cut off: the rest goes on behind it, whatever becomes of it. */
  #letStart(): void {
    this.#isCallStarting = true
    setImmediate(() => {
      this.#isCallStarting = false
      this.#goOn()
    })
  }

  /** Keeps a copy: the buffer is the reader's. */
  #keep(id: number, { buffer, start, end, flags, attachments }: IncomingBody): void {
    const copy = Buffer.from(buffer.subarray(start, end))
    this.#contents.set(id, { buffer: copy, start: 0, end: copy.length, flags, attachments })
  }

  /**
   * What came before may need them still.
   * @param what - one of `forgotten`
   */
  #forget(ids: readonly number[], what: number = forgotten.contents): void {
    const held = what === forgotten.bindings ? this.#bindings : this.#contents
    this.#inTurn(() => {
      for (const id of ids) held.delete(id)
    })
  }

  /** Gives a variable a value; after those that came before it. */
  #bind(id: number, ...[, , , content, ...renewed]: BindBody): void {
    const binding = this.#binding(id)
    this.#inTurn(() => {
      for (const one of renewed) this.#renew(this.#binding(one))
      binding.content = content
      binding.isTriedAgain = false
      this.#bindNow(binding, content)
    })
  }

  /** What it holds is the past: nobody gets it any more. */
  #renew(binding: Binding): void {
    binding.isBound = false
    binding.failure = undefined
  }

  #bindNow(binding: Binding, content: number): void {
    const before = this.#making
    try {
      this.#making = binding
      const value = this.make(content)
      binding.failure = undefined
      binding.cell.v = value
      binding.isBound = true
      const { waiting } = binding
      binding.waiting = []
      for (const { assign } of waiting) assign(value)
    } catch (error) {
      binding.failure = asError(error)
      for (const { owner } of binding.waiting) if (owner !== undefined) owner.failure = binding.failure
    }
    this.#making = before
  }

  /** Makes the value of a content, anew. @throws what it throws, and what has kept something that it needs from being there */
  make(content: number): unknown {
    const body = this.#contents.get(content)
    if (body === undefined) throw new Error(`Content ${content} is not held by this worker.`)
    const attachments = body.attachments.map((one) => one.slice(0))
    return rebuildGraph(this.#codec.decode({ ...body, attachments }) as Row[], this)
  }

  code(id: number, captured: (index: number) => Cell): HeldCode {
    const code = this.#codes.get(id)
    if (code?.failure !== undefined) throw code.failure
    if (code?.factory === undefined) throw new Error(`Code ${id} is not held by this worker.`)
    const { definition, factory, imported } = code
    const cells = new Map<string, Cell>()
    for (const [name, binding] of definition.cells) cells.set(name, this.cell(binding))
    definition.captured.forEach(([name, isCell], index) => {
      if (isCell) cells.set(name, captured(index))
    })
    const made = factory(cells)
    for (const [name, value] of imported) made.set[name]!(value)
    return { ...made, isClass: definition.isClass, captured: definition.captured }
  }

  cell(id: number): Cell {
    const binding = this.#binding(id)
    // A class may have been registered since.
    if (binding.failure !== undefined && !binding.isTriedAgain && this.#contents.has(binding.content)) {
      binding.isTriedAgain = true
      this.#bindNow(binding, binding.content)
      binding.isTriedAgain = false
    }
    if (binding.failure !== undefined) throw binding.failure
    return binding.cell
  }

  registeredClass(name: string): unknown {
    return this.#classes.named(name)?.prototype.constructor
  }

  isBound(id: number): boolean {
    return this.#binding(id).isBound
  }

  whenBound(id: number, assign: (value: unknown) => void): boolean {
    const binding = this.#binding(id)
    // Throws if it has failed.
    this.cell(id)
    if (!binding.isBound) binding.waiting.push({ assign, owner: this.#making })
    return binding.isBound
  }

  #binding(id: number): Binding {
    const known = this.#bindings.get(id)
    if (known !== undefined) return known
    const binding: Binding = {
      cell: new Cell(),
      content: 0,
      isBound: false,
      failure: undefined,
      isTriedAgain: false,
      waiting: [],
    }
    this.#bindings.set(id, binding)
    return binding
  }

  /** What the host may ask of it by name. */
  readonly functions = {
    [runtimeFunction.heldValue]: (id: number): unknown => this.cell(id).v,
    [runtimeFunction.assignHeld]: (id: number, value: unknown): void => {
      this.#binding(id).cell.v = value
    },
    [runtimeFunction.dropHeld]: (
      id: number,
      contents: readonly number[],
      others: readonly number[] = [],
    ): void => {
      this.#forget(contents)
      this.#forget(others, forgotten.bindings)
      const binding = this.#binding(id)
      binding.cell.v = undefined
      binding.isBound = false
    },
  }
}
