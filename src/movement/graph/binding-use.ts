import type { LiveCode } from '../live/live-code.ts'
import type { Content } from './content.ts'
import type { Parcel } from './parcel.ts'
import type { BindingUse } from './survey.ts'

/** What a binding is, whatever it holds. */
export type BindingIdentity = Pick<BindingUse, 'id' | 'kind' | 'module' | 'name' | 'isConstant' | 'isSettled'>

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
