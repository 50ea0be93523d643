import { type ChildKinds, resolveSpec } from '../spec/resolve-spec.ts'
import type { SupervisorSpec } from '../spec/supervisor-spec.ts'
import type { Supervisor } from '../supervisor.ts'
import type { ChildListener } from './child-run.ts'
import { SupervisorKind, treeKinds } from './supervisor-kind.ts'
import type { TreeSeams } from './tree-seams.ts'

/** Where a tree stands, and what is told of its top. */
export interface TreeGround {
  /** The name of its top. */
  readonly id: string
  /** The path of its top; empty, and it does not show in those of its children. */
  readonly path: string
  readonly leaves: Pick<ChildKinds, 'worker' | 'pool'>
  readonly seams: TreeSeams
  readonly listener?: Partial<ChildListener>
}

/**
 * Starts a supervisor that has none above it. Without children it is running when this returns.
 * @throws {SpecError} if the spec is not right
 */
export function plantTree(
  spec: SupervisorSpec,
  { id, path, leaves, seams, listener }: TreeGround,
): Supervisor {
  const kinds = treeKinds(leaves, seams)
  const top = new SupervisorKind(id, resolveSpec(spec, kinds), kinds, seams)
  top.start(
    { id, path, incarnation: 1 },
    {
      ready: () => listener?.ready?.(),
      skipped: () => {},
      failed: (error) => listener?.failed?.(error),
      exited: (reason) => {
        // There is nobody above who could bring it back.
        top.current?.mirror('removed', undefined)
        listener?.exited?.(reason)
      },
    },
  )
  return top.handle
}
