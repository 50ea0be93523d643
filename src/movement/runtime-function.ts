import type { RuntimeShipment } from './shipment.ts'

/** The functions of the runtime that a host calls: their names on the wire. */
export const runtimeFunction = {
  /** `(source, scope, filename)`: the value. */
  evaluate: 'evaluate',
  /** `(source, scope, filename)`: the value, if it can be sent, and as text. */
  run: 'run',
  /**
   * `(marker, mustProve)`: writes the marker, if any, to stdout and stderr, in order with everything that was printed
   * before; then proves, if asked to, by a run of `1+1` that code can still be run.
   */
  mark: 'mark',
  /** `(scope)`: the names that a scope has. */
  names: 'names',
  /** `(names, from, to)`: takes names from one scope to another. */
  move: 'move',
  /** `(scope)`: forgets a scope; whether there was one. */
  drop: 'drop',
  /** `(id)`: the value of a variable that was sent. */
  heldValue: 'heldValue',
  /** `(id, value)`: gives it another one. */
  assignHeld: 'assignHeld',
  /** `(id, contents)`: forgets it, and what nothing else needs. */
  dropHeld: 'dropHeld',
  /** `(place)`: the exports of a module, and what they are. */
  exportKinds: 'exportKinds',
  /** `(place, name)`: the value of an export. */
  exportOf: 'exportOf',
  /** `(value)`: the value, be it one that was kept. */
  same: 'same',
  /** `(ref)`: the value of a reference of a worker of that worker. */
  valueOf: 'valueOf',
  /** With the number of a function that the worker has given: that function. */
  exported: 'exported',
} as const

/** A function of the runtime, made ready to be called like any other. */
export function prepareRuntimeFunction(name: string): RuntimeShipment {
  return {
    key: `runtime:${name}`,
    name,
    captureNames: [],
    definition: { kind: 'runtime', name },
    survey: undefined,
  }
}

/** Under this name the number of a function goes along with a call of it. */
const exportedNumber = 'number'

/** A function that the worker has given, made ready to be called like any other; its number is among the captures. */
export function prepareExportedFunction(
  name: string,
  number: number,
): { readonly shipment: RuntimeShipment; readonly captures: Readonly<Record<string, unknown>> } {
  const runtime = prepareRuntimeFunction(runtimeFunction.exported)
  return {
    shipment: { ...runtime, name, captureNames: [exportedNumber] },
    captures: { [exportedNumber]: number },
  }
}
