import { resolveSpec } from './spec/resolve-spec.ts'
import type { CheckedSpec } from './spec/child-paths.ts'
import type { SupervisorSpec } from './spec/supervisor-spec.ts'
import { addToRoot, freeName, systemKinds } from './root.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * Starts a supervisor with its children, in order, and resolves when all are ready.
 *
 * It is a temporary child of `root()`: what is below it comes back by its rules; if it gives up itself, `exited` says why,
 * down to the child with which that began. The ids of its children are known to the compiler: `app.worker('kernl')` is an
 * error. `docs/supervision.md` has the rules. Source: OTP `supervisor:start_link`.
 *
 * @param spec - see `SupervisorSpec`
 * @returns the supervisor; stop it by `stop()`, or with `await using`
 * @throws {SpecError} if the spec is not right, before anything is started; or if the name has an owner
 * @throws {SpawnError | Error} if a child can't be started; those before it are stopped again, in reverse
 * @example
 * import { supervise } from 'maltster'
 *
 * await using app = await supervise({
 *   name: 'app',
 *   strategy: 'rest-for-one',
 *   children: [
 *     { id: 'store', worker: {} },
 *     { id: 'parser', worker: {} },
 *   ],
 * })
 * console.log(app.whichChildren().map(({ path, state }) => `${path}: ${state}`)) // [ 'app/store: up', 'app/parser: up' ]
 */
export async function supervise<const Spec extends SupervisorSpec>(
  spec: Spec & CheckedSpec<Spec>,
): Promise<Supervisor<Spec>> {
  const resolved = resolveSpec(spec, systemKinds)
  const name = resolved.name ?? freeName('supervisor')
  const kind = systemKinds.supervisor(resolved, name)
  await addToRoot(name, kind, Infinity)
  return kind.handle as Supervisor<Spec>
}
