import type { WorkerOptions } from '../../actors/worker-options.ts'
import type { PoolOptions } from '../pool/pool-options.ts'
import type { BackoffOptions, ChildSpec, SupervisorSpec } from './supervisor-spec.ts'

/** The kinds of children that can be looked up by name. */
export type ChildKindName = 'worker' | 'supervisor' | 'pool'

type ChildrenOf<Spec> = Spec extends { readonly children: readonly (infer Child)[] } ? Child : never

/** The child itself, if it is of the kind. A spec that was not written out in place could be of any. */
type Own<Child, Id extends string, Kind extends ChildKindName> = string extends Id
  ? string
  : Child extends { readonly [Name in Kind]: object }
    ? Id
    : never

type Below<Child, Kind extends ChildKindName> = Child extends { readonly id: infer Id extends string }
  ?
      | Own<Child, Id, Kind>
      | (Child extends { readonly supervisor: infer Spec } ? `${Id}/${PathOf<Spec, Kind>}` : never)
      | (Child extends { readonly pool: object }
          ? 'worker' extends Kind
            ? `${Id}/worker-${number}`
            : never
          : never)
  : never

/**
 * The paths at which a spec has children of a kind, members of pools among them, as a union of literals; any string where the spec has no children yet,
 * or none that the compiler knows.
 */
export type PathOf<Spec, Kind extends ChildKindName> = SupervisorSpec extends Spec
  ? string
  : [ChildrenOf<Spec>] extends [never]
    ? string
    : Below<ChildrenOf<Spec>, Kind>

/** The ids of a spec's own children; any string where they are not known, or where more may come. */
export type ChildIdOf<Spec> = [ChildrenOf<Spec>] extends [{ readonly id: infer Id extends string }]
  ? [Id] extends [never]
    ? string
    : Id
  : string

type AtId<Child, Id extends string> = Child extends { readonly id: Id; readonly supervisor: infer Sub }
  ? Sub extends SupervisorSpec
    ? Sub
    : never
  : never

/** The spec of the supervisor at a path; any, where it is not known. */
export type SpecAt<Spec, Path extends string> = Path extends `${infer Id}/${infer Rest}`
  ? SpecAt<AtId<ChildrenOf<Spec>, Id>, Rest>
  : [AtId<ChildrenOf<Spec>, Path>] extends [never]
    ? // oxlint-disable-next-line typescript/no-explicit-any -- a supervisor of any spec
      any
    : AtId<ChildrenOf<Spec>, Path>

/** What a child spec is of. */
export type KindOf<Child extends ChildSpec> = Child extends { readonly worker: object }
  ? 'worker'
  : Child extends { readonly supervisor: object }
    ? 'supervisor'
    : Child extends { readonly pool: object }
      ? 'pool'
      : ChildKindName

/** A type with nothing but what is allowed: what else it has must not be there. */
type Only<Given, Allowed> = {
  readonly [Name in keyof Given]: Name extends keyof Allowed ? Given[Name] : never
}

/** The kinds that a child spec certainly has. */
type GivenKinds<Child> = {
  [Kind in ChildKindName & keyof Child]: undefined extends Child[Kind] ? never : Kind
}[ChildKindName & keyof Child]

type CheckedKind<Given, Kind extends ChildKindName> = Kind extends 'supervisor'
  ? CheckedSpec<Given>
  : Only<Given, Kind extends 'worker' ? WorkerOptions : PoolOptions>

type CheckedIfGiven<Given, Kind extends ChildKindName, Kinds> = Kind extends Kinds
  ? Exclude<Kinds, Kind> extends never
    ? CheckedKind<Given, Kind>
    : never
  : Given

type CheckedField<Child, Name extends keyof Child> = Name extends keyof ChildSpec
  ? Name extends ChildKindName
    ? CheckedIfGiven<Child[Name], Name, GivenKinds<Child>>
    : Child[Name]
  : never

/**
 * A child spec as it was given, if its fields are those of a child and it is of one kind: the compiler says so where the
 * spec is written out, and `SpecError` where it comes from elsewhere.
 */
export type CheckedChild<Child> = ChildSpec extends Child
  ? Child
  : { readonly [Name in keyof Child]: CheckedField<Child, Name> } & (ChildKindName & keyof Child extends never
      ? { readonly worker: WorkerOptions }
      : unknown)

/** Of a parameter of its own, so that a tuple stays one. */
type CheckedChildren<Children> = { readonly [At in keyof Children]: CheckedChild<Children[At]> }

type CheckedRule<Given, Name> = Name extends 'children'
  ? CheckedChildren<Given>
  : Name extends 'backoff'
    ? Only<Given, BackoffOptions>
    : Given

/** A supervisor's spec as it was given, if its fields and those of its children are what they can be. */
export type CheckedSpec<Spec> = SupervisorSpec extends Spec
  ? Spec
  : {
      readonly [Name in keyof Spec]: Name extends keyof SupervisorSpec ? CheckedRule<Spec[Name], Name> : never
    }
