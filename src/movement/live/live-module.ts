import type { SourcePlace } from '../definition.ts'
import { RecentMap } from '../recent-map.ts'
import { moduleUrl } from './module-url.ts'
import { ModuleFacts } from './module-facts.ts'
import { type Script, scriptIdOf, scriptOf } from './scripts.ts'
import { noteModule } from './source-maps.ts'

const modules = new RecentMap<string, LiveModule>(64)

/** A script as a module, as far as it has been looked at. */
export class LiveModule {
  readonly source: string
  readonly url: string
  /** What its variables are told apart by: scripts without a file of their own may have the same name. */
  readonly id: string
  readonly #lineStarts: readonly number[]
  readonly #start: Script['start']
  #facts: ModuleFacts | undefined
  #isRead = false

  constructor(scriptId: string, { url, source, start }: Script) {
    this.#start = start
    this.source = source
    this.url = url
    this.id = moduleUrl(url) === undefined && !url.startsWith('node:') ? `script:${scriptId}` : url
    const lineStarts = [0]
    for (const { index } of source.matchAll(/\n/g)) lineStarts.push(index + 1)
    this.#lineStarts = lineStarts
  }

  /** Where in the source a place of the file is, counted from 0. */
  offsetOf({ line, column }: { line: number; column: number }): number | undefined {
    const lineStart = this.#lineStarts[line - this.#start.line]
    const shift = line === this.#start.line ? this.#start.column : 0
    return lineStart === undefined ? undefined : lineStart + column - shift
  }

  /** Line and column of the file, from 1; undefined for a script without a file, and for what is not in it. */
  placeAt(offset: number): SourcePlace | undefined {
    if (this.url === '' || offset < 0) return undefined
    let low = 0
    let high = this.#lineStarts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#lineStarts[middle]! <= offset) low = middle
      else high = middle
    }
    const shift = low === 0 ? this.#start.column : 0
    return {
      file: this.url,
      line: low + 1 + this.#start.line,
      column: offset - this.#lineStarts[low]! + 1 + shift,
    }
  }

  get facts(): ModuleFacts | undefined {
    if (!this.#isRead) this.#facts = ModuleFacts.read(this.source)
    this.#isRead = true
    return this.#facts
  }
}

/** The module that a script is; undefined if V8 does not tell. */
export function moduleOf(scriptId: string): LiveModule | undefined {
  const known = modules.get(scriptId)
  if (known !== undefined) return known
  const script = scriptOf(scriptId)
  if (script === undefined) return undefined
  const module = new LiveModule(scriptId, script)
  noteModule(script.url, script.source)
  modules.set(scriptId, module)
  return module
}

/** Where the text of a function begins in its module. V8 tells where its parameters do. */
export function startOf(text: string, module: LiveModule, place: { line: number; column: number }): number {
  const { source } = module
  const offset = module.offsetOf(place)
  if (offset === undefined) return source.indexOf(text)
  const start = source.lastIndexOf(text, offset)
  return start >= 0 && start + text.length > offset ? start : source.indexOf(text)
}

/** The module of a URL, as it has been loaded here; undefined if it has not. */
export function moduleAt(url: string): LiveModule | undefined {
  const scriptId = scriptIdOf(url)
  return scriptId === undefined ? undefined : moduleOf(scriptId)
}
