import type { Codec, EncodedBody } from '../../transport/codec.ts'
import { messageCodec } from '../../transport/codec/message-codec.ts'
import { frameBytes } from '../../transport/frame-chunks.ts'
import type { Limits } from '../../transport/limits.ts'
import { liveKind } from '../../transport/live-values.ts'
import { headerBytes } from '../../transport/protocol.ts'
import { servedBy } from '../flow/live-object.ts'
import { type Content, capturedContent, contentOf } from './content.ts'
import type { BindingUse, Survey } from './survey.ts'

/** What a function refers to, as it was at one moment. */
export interface KeptSurvey {
  /** What is held because of it, and was not before. */
  readonly byteLength: number
  /** For the worker with this codec. */
  surveyFor(codec: Codec): Survey
}

/** Values as they were at one moment. */
export interface KeptValues {
  readonly byteLength: number
  /** A copy; another one each time. */
  copy(): unknown[]
}

/** Smaller ones cost less than to know them again. */
const sharedBytes = 512
/** Those that nobody holds any more are looked for when there are more than this. */
const leastShared = 64

/**
 * Keeps what functions refer to, for calls that wait and can't know which worker they come to: encoded, as for their way.
 * What stays where it is has no number until there is a worker: here it is one of a list.
 */
export class SurveyKeeper {
  /** Surveys that are to be kept are made with it. */
  readonly codec: Codec
  /** Of what is encoded or decoded at the moment: what stays where it is, by the number in its place. */
  #live: object[] = []
  #raised = 0
  /** Many calls wait with the same large values: they are held once. */
  readonly #shared = new Map<string, WeakRef<Content>>()
  #sweepAt = leastShared

  constructor(limits: Limits) {
    this.codec = messageCodec(limits, {
      lower: (value) =>
        servedBy(value) === undefined
          ? undefined
          : { kind: liveKind.home, number: this.#live.push(value) - 1, data: null },
      raise: ({ number }) => {
        this.#raised++
        return this.#live[number]
      },
    })
  }

  /**
   * Has something encoded by `codec`.
   * @returns what it gave, and what in it stays where it is
   */
  encoding<T>(encode: () => T): { readonly encoded: T; readonly live: object[] } {
    const outer = this.#live
    const live: object[] = []
    this.#live = live
    try {
      return { encoded: encode(), live }
    } finally {
      // A class that is registered may call somebody while it is encoded.
      this.#live = outer
    }
  }

  /** @param live - as `encoding` has given it with the survey */
  keep(survey: Survey, live: object[]): KeptSurvey {
    let byteLength = 0
    const keep = (content: Content): Content => {
      const known = frameBytes(content.body) < sharedBytes ? undefined : this.#known(content)
      if (known !== undefined) return known
      byteLength += frameBytes(content.body)
      return this.#share(ownContent(content))
    }
    // The names were for the policy, which has allowed them.
    const kept = { ...withContents(survey, keep), names: [] }
    if (live.length === 0) return { byteLength, surveyFor: () => kept }
    return {
      byteLength,
      surveyFor: (codec) => withContents(kept, (content, path) => this.#anew(content, path, live, codec)),
    }
  }

  /**
   * Keeps values that go with each call of a function.
   * @throws {EncodeError} for what can't be sent, as of a call without arguments
   */
  keepValues(values: readonly unknown[]): KeptValues {
    const { encoded, live } = this.encoding(() => contentOf(this.codec, [[], values], 'args'))
    const { body } = ownContent(encoded)
    const copy = (): unknown[] => (this.#decode(body, live) as [args: unknown, values: unknown[]])[1]
    return { byteLength: frameBytes(body), copy }
  }

  /** What stays where it is has another number for each worker, and may be known there by now. */
  #anew(content: Content, path: string, live: object[], codec: Codec): Content {
    const before = this.#raised
    const rows = this.#decode(content.body, live)
    return this.#raised === before ? content : capturedContent(codec, rows, path)
  }

  #decode(body: EncodedBody, live: object[]): unknown {
    // The decoder takes attachments over.
    const attachments = body.attachments.map((one) => new Uint8Array(one).buffer)
    const outer = this.#live
    this.#live = live
    try {
      return this.codec.decode({ ...body, attachments })
    } finally {
      this.#live = outer
    }
  }

  #known({ key }: Content): Content | undefined {
    return this.#shared.get(key)?.deref()
  }

  #share(content: Content): Content {
    if (frameBytes(content.body) < sharedBytes) return content
    this.#shared.set(content.key, new WeakRef(content))
    if (this.#shared.size > this.#sweepAt) {
      for (const [key, weak] of this.#shared) if (weak.deref() === undefined) this.#shared.delete(key)
      this.#sweepAt = Math.max(leastShared, this.#shared.size * 2)
    }
    return content
  }
}

/**
 * The same in memory of its own: the owner of a binary may change it long before it is sent, and an encoder may have taken
 * many times what it needed.
 */
function ownContent(content: Content): Content {
  const { body, key } = content
  if (frameBytes(body) < sharedBytes) return content
  const { start, end, flags, attachments } = body
  const buffer = Buffer.from(body.buffer.subarray(start - headerBytes, end))
  const own = attachments.map((one) => new Uint8Array(one))
  return { key, body: { buffer, start: headerBytes, end: buffer.length, flags, attachments: own } }
}

function withContents(survey: Survey, change: (content: Content, path: string) => Content): Survey {
  const changed = (use: BindingUse): BindingUse => ({ ...use, content: change(use.content, use.path) })
  const groups = survey.groups.map((group) => group.map(changed))
  const content = change(survey.content, survey.name || 'fn')
  return { ...survey, content, groups, bindings: groups.flat() }
}
