import { peek } from './peek.ts'
import type { Refusal } from './refusals.ts'

/** Registered: whoever refuses it has not the class, nor always the same copy of this package. */
const handleSymbol: unique symbol = Symbol.for('maltster.handle') as never

/** Says of a class that what its instances stand for is in this process only, so that they are refused by name. */
export function staysHere(handleClass: { readonly prototype: object }, { what, remedy }: Refusal): void {
  Object.defineProperty(handleClass.prototype, handleSymbol, { value: `${what}\n${remedy}` })
}

const proxies = new WeakMap<object, Refusal>()

/** As `staysHere`, of one object: a proxy, which can't be asked without running its handler. */
export function proxyStaysHere(proxy: object, refusal: Refusal): void {
  proxies.set(proxy, refusal)
}

/** Why an object can't be sent that stands for something of this process; undefined if it is none. */
export function refusalOfHandle(value: object): Refusal | undefined {
  const known = proxies.get(value)
  if (known !== undefined) return known
  const said = peek(value, handleSymbol)
  if (typeof said !== 'string') return undefined
  const [what = '', remedy = ''] = said.split('\n')
  return { what, remedy }
}
