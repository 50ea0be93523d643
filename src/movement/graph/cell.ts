import { peekProperty } from '../../transport/codec/peek.ts'

/** Registered: what was made by the runtime of a worker is sent on by another copy of this package. */
const cellMark: unique symbol = Symbol.for('maltster.cell') as never

/** A variable that functions look up at each use. */
export class Cell {
  v: unknown = undefined

  /** What assignments to a constant are rewritten to. */
  get c(): unknown {
    return this.v
  }

  set c(_value: unknown) {
    throw new TypeError('Assignment to constant variable.')
  }
}
Object.defineProperty(Cell.prototype, cellMark, { value: true })

/** Whether a value is the variable of a function that was sent here, and not what the user put into it. */
export const isCell = (value: object): value is Cell => peekProperty(value, cellMark)?.value === true
