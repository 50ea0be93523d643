import type { Cell } from './cell.ts'

const { defineProperty } = Object
const symbol = Symbol.for('maltster.linkedNamespaces')
const holder = globalThis as { [symbol]?: WeakSet<object> }

/** The same for all copies of the package in a process: whoever sends on may use another one than the worker does. */
if (!(holder[symbol] instanceof WeakSet)) {
  defineProperty(holder, symbol, { value: new WeakSet(), configurable: true, writable: true })
}
const linked = holder[symbol]!

/** Whether an object stands for the namespace of a module whose variables were sent. */
export const isLinkedNamespace = (value: object): boolean => linked.has(value)

/** Makes members of an object be what variables are at the time. */
export function linkNamespace(object: object, members: readonly (readonly [string, () => Cell])[]): void {
  linked.add(object)
  for (const [name, cell] of members) {
    defineProperty(object, name, { get: () => cell().v, enumerable: true, configurable: true })
  }
}
