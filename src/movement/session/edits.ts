interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Changes to a text, mostly of the same width, so that places in it stay what they are. */
export class Edits {
  readonly #source: string
  readonly #edits: Edit[] = []
  #isSorted = true

  constructor(source: string) {
    this.#source = source
  }

  /** Puts `text` in the place of what stands from `start` to `end`, padded to its width. */
  replace(start: number, end: number, text: string): void {
    this.#add({ start, end, text: text.padEnd(end - start) })
  }

  insert(at: number, text: string): void {
    this.#add({ start: at, end: at, text })
  }

  /** Spaces; line ends stay. */
  blank(start: number, end: number): void {
    this.#add({ start, end, text: this.#source.slice(start, end).replaceAll(/[^\n\r\u2028\u2029]/g, ' ') })
  }

  /** The part of the text from `start` to `end`, with what was changed inside it. */
  slice(start: number, end: number): string {
    if (!this.#isSorted) {
      // Stable: insertions at one place stay in their order.
      this.#edits.sort((a, b) => a.start - b.start || a.end - b.end)
      this.#isSorted = true
    }
    let text = ''
    let position = start
    for (const edit of this.#edits) {
      if (edit.start < position || edit.end > end) continue
      text += this.#source.slice(position, edit.start) + edit.text
      position = edit.end
    }
    return text + this.#source.slice(position, end)
  }

  #add(edit: Edit): void {
    this.#edits.push(edit)
    this.#isSorted = false
  }
}
