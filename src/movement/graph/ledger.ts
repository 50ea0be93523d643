import type { Codec, EncodedBody } from '../../transport/codec.ts'
import { frameBytes } from '../../transport/frame-chunks.ts'
import { frameType } from '../../transport/protocol.ts'
import type { LiveCode } from '../live/live-code.ts'
import { codeDefinition } from './code-definition.ts'
import { type Content, contentOf } from './content.ts'
import { constantConflict } from './capture-refusals.ts'
import type { BindingGroup } from './binding-order.ts'
import type { BindingUse, Survey } from './survey.ts'
import { heldForNobody, heldOnlyFor } from './unreachable.ts'

/** A frame that has to go ahead of a call, and why. */
export interface Step {
  readonly type: number
  readonly aux: number
  readonly body: EncodedBody
  /** All that it takes on the lane. */
  readonly bytes: number
  /** What it is for: a code, a variable, or the function itself. */
  readonly subject: LiveCode | BindingUse | 'function'
  /** To be done when it has been written. */
  readonly commit: () => void
}

interface HeldContent {
  readonly id: number
  readonly bytes: number
}

interface Bound {
  readonly use: BindingUse
  readonly key: string
  /** When it was bound, counted in bindings. */
  readonly at: number
  /** The same for all that were bound together. */
  readonly round: object
}

/** What a worker need not hold any more: bindings, and contents. */
export interface Dropped {
  readonly ids: readonly number[]
  readonly contents: readonly number[]
}

const nothing: Dropped = { ids: [], contents: [] }

/** After so many new ones, and as many as there are, it is worth while to look which of them are for nobody. */
const sweptBindings = 256

/** How much a worker keeps of what may be needed again. */
const heldContents = { count: 4096, bytes: 64 * 2 ** 20 }

/**
 * What one incarnation of a worker holds. It follows what was written to that worker, and nothing else: it changes only
 * when a frame has gone, and ends with the incarnation.
 */
export class Ledger {
  readonly codec: Codec
  readonly #codes = new Set<number>()
  readonly #contents = new Map<string, HeldContent>()
  readonly #reserved = new Map<string, number>()
  readonly #bound = new Map<number, Bound>()
  #settled = new WeakSet<Survey>()
  readonly #numbers = new WeakMap<Survey, number>()
  readonly #encodedCodes = new WeakMap<LiveCode, EncodedBody>()
  #lastContent = 0
  #lastBound = 0
  #lastSwept = 0
  #heldBytes = 0

  constructor(codec: Codec) {
    this.codec = codec
  }

  /** Whether nothing of this has to be sent, without looking at it. */
  hasAll(survey: Survey): boolean {
    return this.#settled.has(survey)
  }

  /** The number under which the function of a survey is, or will be, held; always the same. */
  numberOf(survey: Survey): number {
    const known = this.#numbers.get(survey)
    if (known !== undefined) return known
    const id = this.#numberOfContent(survey.content)
    this.#numbers.set(survey, id)
    return id
  }

  #numberOfContent({ key }: Content): number {
    const held = this.#contents.get(key)
    if (held === undefined) return this.#reserved.get(key) ?? this.#reserve(key)
    // Used last.
    this.#contents.delete(key)
    this.#contents.set(key, held)
    return held.id
  }

  #reserve(key: string): number {
    this.#reserved.set(key, ++this.#lastContent)
    return this.#lastContent
  }

  /** The variables of modules that the worker has, and the bytes of their values. */
  variables(): { readonly use: BindingUse; readonly bytes: number }[] {
    return [...this.#bound.values()]
      .filter(({ use }) => use.module !== '')
      .map(({ use }) => ({ use, bytes: frameBytes(use.content.body) }))
  }

  /** The variables that have something in their value that stays where it is. */
  boundTo(live: object): number[] {
    return [...this.#bound].flatMap(([id, { use }]) => (use.live.includes(live) ? [id] : []))
  }

  /**
   * The worker has it no more: the next call that needs it sends it again.
   * @returns contents that nothing else needs, which are not held from now on
   */
  unbind(id: number): number[] {
    const bound = this.#bound.get(id)
    this.#bound.delete(id)
    this.#settled = new WeakSet()
    return bound === undefined || bound.use.code !== undefined ? [] : this.#dropContent(bound.key)
  }

  /** As `unbind`, with all that is only held because of it. */
  unbindWith(id: number): Dropped {
    return this.#drop(heldOnlyFor(id, this.#bound), new Set())
  }

  /**
   * What the worker holds for nobody any more, which it is not taken to hold from now on. It is looked for now and then
   * only, as the collector of this process does.
   * @param pinned - contents that have to stay
   */
  collected(pinned: ReadonlySet<number>): Dropped {
    if (this.#lastBound - this.#lastSwept < Math.max(sweptBindings, this.#bound.size)) return nothing
    this.#lastSwept = this.#lastBound
    return this.#drop(heldForNobody(this.#bound), pinned)
  }

  #drop(ids: readonly number[], pinned: ReadonlySet<number>): Dropped {
    if (ids.length === 0) return nothing
    const keys = new Set(ids.flatMap((id) => this.#bound.get(id)?.key ?? []))
    for (const id of ids) this.#bound.delete(id)
    this.#settled = new WeakSet()
    const used = new Set([...this.#bound.values()].map(({ key }) => key))
    const contents = [...keys].flatMap((key) => (used.has(key) ? [] : this.#forget(key, pinned)))
    return { ids, contents }
  }

  #dropContent(key: string): number[] {
    const isShared = [...this.#bound.values()].some((other) => other.key === key)
    return isShared ? [] : this.#forget(key, new Set())
  }

  #forget(key: string, pinned: ReadonlySet<number>): number[] {
    const held = this.#contents.get(key)
    if (held === undefined || pinned.has(held.id)) return []
    this.#contents.delete(key)
    this.#heldBytes -= held.bytes
    return [held.id]
  }

  /** What has to be written before a call of this; nothing is changed by asking. */
  steps(survey: Survey): Step[] {
    const steps: Step[] = []
    for (const code of survey.codes) {
      if (!this.#codes.has(code.id)) steps.push(this.#codeStep(code))
    }
    const contents = new Set<string>()
    const rebound = new Set<number>()
    for (const group of survey.groups) {
      if (this.#isCurrent(group, rebound)) continue
      const round = {}
      group.forEach((use, index) => {
        if (this.#bound.get(use.id)?.use.isSettled && use.isSettled) throw constantConflict(use)
        rebound.add(use.id)
        this.#addContent(steps, use.content, use, contents)
        const later = group.slice(index + 1).flatMap(({ id }) => (use.needs.includes(id) ? [id] : []))
        steps.push(this.#bindStep(use, round, later))
      })
    }
    this.#addContent(steps, survey.content, 'function', contents, this.numberOf(survey))
    return steps
  }

  /** Whether the worker has all of these, as they are, and of what they refer to the latest. */
  #isCurrent(group: BindingGroup, rebound: ReadonlySet<number>): boolean {
    const round = this.#bound.get(group[0]!.id)?.round
    return group.every(({ id, content, needs }) => {
      const bound = this.#bound.get(id)
      if (bound?.key !== content.key || bound.round !== round) return false
      const isNewer = (need: number): boolean => {
        const other = this.#bound.get(need)
        return other !== undefined && other.round !== round && other.at > bound.at
      }
      return !needs.some((need) => rebound.has(need) || isNewer(need))
    })
  }

  /** To be called when all steps of a survey have been written. */
  settle(survey: Survey): void {
    if (survey.isSettled) this.#settled.add(survey)
  }

  #codeStep(code: LiveCode): Step {
    let body = this.#encodedCodes.get(code)
    if (body === undefined) {
      body = contentOf(this.codec, codeDefinition(code), code.read.name || 'fn').body
      this.#encodedCodes.set(code, body)
    }
    return this.#step(frameType.code, code.id, body, code, () => this.#codes.add(code.id))
  }

  #addContent(
    steps: Step[],
    content: Content,
    subject: Step['subject'],
    added: Set<string>,
    id = this.#numberOfContent(content),
  ): void {
    const { key, body } = content
    if (this.#contents.get(key)?.id === id || added.has(key)) return
    added.add(key)
    const step = this.#step(frameType.content, id, body, subject, () => {
      this.#reserved.delete(key)
      this.#heldBytes -= this.#contents.get(key)?.bytes ?? 0
      this.#contents.set(key, { id, bytes: step.bytes })
      this.#heldBytes += step.bytes
    })
    steps.push(step)
  }

  #bindStep(use: BindingUse, round: object, later: readonly number[]): Step {
    const { id, module, name, isConstant, content } = use
    const { body } = contentOf(
      this.codec,
      [module, name, isConstant, this.#numberOfContent(content), ...later],
      name,
    )
    return this.#step(frameType.bind, id, body, use, () => {
      this.#bound.set(id, { use, key: content.key, at: ++this.#lastBound, round })
    })
  }

  #step(type: number, aux: number, body: EncodedBody, subject: Step['subject'], commit: () => void): Step {
    return { type, aux, body, bytes: frameBytes(body), subject, commit }
  }

  /**
   * Numbers of contents that have gone unused for longest, where there are too many; they are not held from now on.
   * @param pinned - a content that has to stay
   */
  excess(pinned: ReadonlySet<number>): number[] {
    const ids: number[] = []
    for (const [key, { id, bytes }] of this.#contents) {
      if (this.#contents.size <= heldContents.count && this.#heldBytes <= heldContents.bytes) break
      if (pinned.has(id)) continue
      this.#contents.delete(key)
      this.#heldBytes -= bytes
      ids.push(id)
    }
    return ids
  }
}
