import { types } from 'node:util'
import type { AnyFunction } from '../function-source.ts'
import type { LiveCode } from '../live/live-code.ts'
import type { Variable } from '../live/module-facts.ts'
import type { Content } from './content.ts'
import type { Parcel } from './parcel.ts'
import type { BindingUse } from './survey.ts'

/** What a binding is, whatever it holds. */
export type BindingIdentity = Pick<BindingUse, 'id' | 'kind' | 'module' | 'name' | 'isConstant' | 'isSettled'>

/** The identity of something that functions have captured, and which is held by itself. */
export const identityOfCapture = (id: number, name: string): BindingIdentity => ({
  id,
  kind: 'capture',
  module: '',
  name,
  isConstant: false,
  isSettled: false,
})

interface Home {
  readonly module: string
  readonly name: string
  readonly variable: Variable | undefined
}

/** The identity of a variable of a module. */
export function identityOfVariable(
  id: number,
  { module, name, variable }: Home,
  value: unknown,
): BindingIdentity {
  const isConstant = variable?.kind === 'const' || variable?.kind === 'import'
  const isFunction = typeof value === 'function'
  const isPrimitive = !isFunction && (typeof value !== 'object' || value === null)
  const kind = isFunction ? kindOfFunction(value as AnyFunction) : isConstant ? 'constant' : 'global'
  // Undefined may have meant: not yet.
  const isSettled = variable?.kind === 'const' && isPrimitive && value !== undefined
  return { id, kind, module, name, isConstant, isSettled }
}

const kindOfFunction = (fn: AnyFunction): 'function' | 'class' =>
  !types.isProxy(fn) && /^class\b/.test(Function.prototype.toString.call(fn)) ? 'class' : 'function'

/** What a call has found a binding to hold. */
export function bindingUse(
  { id, kind, module, name, isConstant, isSettled }: BindingIdentity,
  { needs, live }: Parcel,
  content: Content,
  path: string,
  code: LiveCode | undefined,
  user: LiveCode | undefined,
  owners: readonly WeakRef<object>[] = [],
): BindingUse {
  // One by one: to spread the identity takes longer than to encode a value.
  return {
    id,
    kind,
    module,
    name,
    isConstant,
    isSettled,
    content,
    needs: [...needs],
    owners,
    live,
    path,
    code,
    user,
  }
}
