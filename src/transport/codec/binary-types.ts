import { types } from 'node:util'

interface BinaryType {
  readonly name: string
  readonly bytesPerElement: number
  /** Takes the memory over. Its length is a multiple of `bytesPerElement`. */
  readonly over: (memory: ArrayBuffer) => object
}

const typed = (
  view: (new (memory: ArrayBuffer) => object) & { name: string; BYTES_PER_ELEMENT: number },
): BinaryType => ({
  name: view.name,
  bytesPerElement: view.BYTES_PER_ELEMENT,
  over: (memory) => new view(memory),
})

/** Kinds of memory that travel. The place in this list is the type on the wire. */
export const binaryTypes: readonly BinaryType[] = [
  { name: 'ArrayBuffer', bytesPerElement: 1, over: (memory) => memory },
  { name: 'Buffer', bytesPerElement: 1, over: (memory) => Buffer.from(memory) },
  { name: 'DataView', bytesPerElement: 1, over: (memory) => new DataView(memory) },
  typed(Int8Array),
  typed(Uint8Array),
  typed(Uint8ClampedArray),
  typed(Int16Array),
  typed(Uint16Array),
  typed(Int32Array),
  typed(Uint32Array),
  typed(Float32Array),
  typed(Float64Array),
  typed(BigInt64Array),
  typed(BigUint64Array),
]

const typeOfName = new Map(binaryTypes.map(({ name }, type) => [name, type]))

// The getter on %TypedArray%.prototype tells the true kind, also of a subclass and of another realm.
const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)!.get as () => string | undefined

/** Number on the wire for an object that is memory; undefined for memory of a kind that this version doesn't know. */
export function binaryTypeOf(value: ArrayBuffer | ArrayBufferView): number | undefined {
  if (Buffer.isBuffer(value)) return typeOfName.get('Buffer')
  if (types.isArrayBuffer(value)) return typeOfName.get('ArrayBuffer')
  if (types.isDataView(value)) return typeOfName.get('DataView')
  return typeOfName.get(typedArrayName.call(value) ?? '')
}

/** The bytes of the object itself: of a view its own window, not the memory around it. Not a copy. */
export function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value)
}
