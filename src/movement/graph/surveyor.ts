import { types } from 'node:util'
import { type FoundName, permit } from '../capture-policy.ts'
import { type AnyFunction, isNativeText, nameOf } from '../function-source.ts'
import { baseName } from '../live/base-name.ts'
import { namesElsewhere } from '../live/names-elsewhere.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import { noValueYet, type Reading, valueOf } from '../live/reading.ts'
import { propertyStep } from '../../transport/codec/path.ts'
import { processClasses } from '../../transport/codec/registered-classes.ts'
import { bindingId, functionId, variableId, weakly } from './binding-ids.ts'
import { type BindingIdentity, identityOfCapture, identityOfVariable } from './binding-use.ts'
import { otherRealmFunctionRefusal, uninitialisedRefusal } from './capture-refusals.ts'
import { checkInstance } from './check-instance.ts'
import { capturedContent } from './content.ts'
import { type Found, FoundBindings } from './found-bindings.ts'
import { hasOwnProperties } from './function-properties.ts'
import { canBeHeld, holdObject } from './held-objects.ts'
import { builtinPlace } from './intrinsics.ts'
import { type MemberVariable, membersOf } from './namespace-members.ts'
import { Nesting } from './nesting.ts'
import { isOfOtherRealm } from './other-realm.ts'
import { type FunctionWriter, Parcel } from './parcel.ts'
import { Ways } from './reached-by.ts'
import { Readings } from './readings.ts'
import { notingRefusal } from './refused-names.ts'
import { rowKind } from './rows.ts'
import { SharedVariables } from './shared-variables.ts'
import { hasChangeablePrivate, lostPrivateField } from './static-private.ts'
import { isUnset } from './uninitialised.ts'
import type { Survey, SurveyOptions } from './survey.ts'
import { type Slot, writeAdditions, writeBound } from './value-rows.ts'

/** Each round knows more of what several functions, or variables, refer to; there is only so much of it. */
const mostRounds = 16

/** Looks once at all that a function refers to. */
export class Surveyor implements FunctionWriter {
  readonly #options: SurveyOptions
  readonly #readings: Readings
  readonly #bindings: FoundBindings
  readonly #names: FoundName[] = []
  readonly #shared = new SharedVariables()
  readonly #ways = new Ways()
  readonly nesting = new Nesting()
  /** Functions that a call's own parcel holds a copy of. */
  readonly #inlined = new Set<AnyFunction>()
  #isSettled = true
  #mustRepeat = false
  /** Something was taken for a part of another, and is held by itself from now on. */
  #isOutdated = false
  readonly #mayBeOutdated: boolean
  /** It has taken many rounds: all that is shared is held at once. */
  readonly #isThorough: boolean
  #root: AnyFunction | undefined

  /** @param round - from 1; the last is to answer in any case */
  constructor(options: SurveyOptions, round: number) {
    this.#options = options
    this.#readings = new Readings(options)
    this.#bindings = new FoundBindings(options.codec)
    this.#mayBeOutdated = round === mostRounds
    this.#isThorough = round > mostRounds / 2
  }

  /** Undefined if it has to be done once more: meanwhile more is known of what is held by itself. */
  survey(fn: AnyFunction, path: string): Survey | undefined {
    this.#root = fn
    this.#readings.begin(fn)
    let parcel = this.#rootParcel(fn, path)
    if (this.#mustRepeat) parcel = this.#rootParcel(fn, path)
    this.#shared.check(this.#ways, fn)
    this.#isOutdated ||= this.#bindings.holdSharedObjects(parcel, this.#isThorough)
    if (this.#isOutdated && !this.#mayBeOutdated) return undefined
    const groups = this.#bindings.inOrder()
    const code = this.#readings.of(fn)?.code
    return {
      name: nameOf(fn),
      code,
      content: capturedContent(this.#options.codec, parcel.rows, path),
      isFresh: parcel.rows.length > 1 || code?.names.some(({ from }) => from === 'captured') !== false,
      codes: this.#readings.codes,
      bindings: groups.flat(),
      groups,
      captured: code?.names.filter(({ from }) => from === 'captured').map(({ name }) => name) ?? [],
      names: this.#names,
      isSettled: this.#isSettled && this.#readings.areStable,
      isPortable: parcel.isPortable && this.#bindings.arePortable,
    }
  }

  #rootParcel(fn: AnyFunction, path: string): Parcel {
    const parcel = Parcel.of(this, fn, path, true)
    this.nesting.finish()
    return parcel
  }

  /** Writes the parcel of a binding, or does that later if it is too deep now. */
  #nested(write: () => void): void {
    if (this.nesting.isDeep) {
      this.nesting.later(this.inPlace(write))
      return
    }
    this.nesting.depth++
    write()
    this.nesting.depth--
  }

  inPlace(write: () => void): () => void {
    return this.#ways.inPlace(write)
  }

  reached(fn: AnyFunction): void {
    this.#ways.reached(fn)
  }

  changeable(): void {
    this.#isSettled = false
  }

  readonly checkInstance = checkInstance

  writeFunction(parcel: Parcel, row: unknown[], fn: AnyFunction, path: string): void {
    const builtin = types.isProxy(fn) ? undefined : builtinPlace(fn)
    if (builtin !== undefined) {
      row.push(rowKind.builtin, ...builtin)
      return
    }
    if (isOfOtherRealm(fn)) throw otherRealmFunctionRefusal(path)
    if (!types.isProxy(fn) && isNativeText(fn) && writeBound(parcel, row, fn, path)) {
      this.changeable()
      return
    }
    const reading = this.#readings.read(fn, path)
    if (parcel.isFresh && this.#isInline(fn, reading)) {
      this.#inlined.add(fn)
      this.#writeParts(parcel, row, fn, reading, path)
      return
    }
    if (this.#inlined.has(fn) && fn !== this.#root) this.#mustRepeat = true
    const id = functionId(fn)
    parcel.needs.add(id)
    const held = [rowKind.held, id]
    const codec = processClasses.ofClass(fn)
    if (codec === undefined) row.push(...held)
    else
      row.push(
        rowKind.registered,
        codec.name,
        parcel.row(codec, () => held),
      )
    if (this.#bindings.begin(id)) this.#nested(() => this.#hold(id, fn, reading, path))
  }

  /** A call has functions of its own if they have captured values; all others are held, and sent once. */
  #isInline(fn: AnyFunction, { code }: Reading): boolean {
    if (fn === this.#root) return true
    if (code.isClass || this.#bindings.isBegun(functionId(fn))) return false
    return code.names.some(({ from }) => from === 'captured') || hasOwnProperties(fn, code.isClass)
  }

  /** Gives a function or class a binding of its own, so that it is one thing over there, whoever refers to it. */
  #hold(id: number, fn: AnyFunction, reading: Reading, path: string): void {
    const { code } = reading
    const parcel = Parcel.of(
      {
        ...this.#asWriter(),
        writeFunction: (own, row, inner, at) => {
          if (inner === fn) this.#writeParts(own, row, fn, reading, path)
          else this.writeFunction(own, row, inner, at)
        },
      },
      fn,
      path,
      false,
    )
    const kind = code.isClass ? 'class' : 'function'
    const identity = { id, kind, module: '', name: nameOf(fn), isConstant: true, isSettled: false } as const
    this.#bindings.add(identity, parcel, { path, code, owners: [weakly(fn)] })
  }

  #asWriter(): FunctionWriter {
    return {
      nesting: this.nesting,
      inPlace: (write) => this.inPlace(write),
      writeObject: (id, object, path) => this.writeObject(id, object, path),
      writeFunction: (parcel, row, fn, path) => this.writeFunction(parcel, row, fn, path),
      checkInstance: (object, constructor, path) => this.checkInstance(object, constructor, path),
      changeable: () => this.changeable(),
      bindMember: (home, value, path) => this.bindMember(home, value, path),
      permitMembers: (namespace, path) => this.permitMembers(namespace, path),
      reached: (fn) => this.reached(fn),
    }
  }

  #writeParts(parcel: Parcel, row: unknown[], fn: AnyFunction, reading: Reading, path: string): void {
    const { code } = reading
    const captured: Slot[] = []
    const others: unknown[] = []
    row.push(rowKind.function, code.id, captured, others)
    for (const name of code.names) {
      notingRefusal(name, code, () => this.#writeName(parcel, captured, fn, name, reading, path))
    }
    if (writeAdditions(parcel, row, others, fn, code, path)) this.changeable()
    const lost = lostPrivateField(fn, code.read, path)
    if (lost !== undefined) throw lost
    if (hasChangeablePrivate(code.read)) this.changeable()
  }

  #writeName(
    parcel: Parcel,
    captured: Slot[],
    fn: AnyFunction,
    name: LiveName,
    reading: Reading,
    path: string,
  ): void {
    const { code } = reading
    const at = `${path} → ${name.name === baseName ? 'its base' : name.name}`
    const found = { name: name.name, path: at, aliases: () => namesElsewhere(code, name) }
    this.#permit(found)
    if (name.from === 'import') return
    const value = this.#valueOf(name, reading, at)
    this.#ways.through(name, code, value, () => {
      if (name.from !== 'captured') {
        const id = this.#bind(code, name, value, at)
        // A function looks its variables up when it runs; only what is needed while it is made is part of it.
        if (name.isEager) {
          parcel.needs.add(id)
          parcel.eager.add(id)
        }
      } else if (name.isShared) captured.push(this.#cell(parcel, fn, name, reading, value, at))
      else captured.push(this.#captured(parcel, name, value, at))
    })
  }

  /** Functions that are held share with all others what they have captured: it is held by itself. */
  #captured(parcel: Parcel, name: LiveName, value: unknown, path: string): Slot {
    if (!parcel.isFresh && canBeHeld(value)) {
      holdObject(value)
      // It may have been taken for a part of something else.
      this.#isOutdated = true
    }
    const slot = parcel.slot(value, path)
    if (name.isEager) parcel.needsAtOnce(slot)
    return slot
  }

  writeObject(id: number, object: object, path: string): void {
    if (!this.#bindings.begin(id)) return
    this.#nested(() => {
      const parcel = Parcel.of(this, object, path, false, true)
      const identity = identityOfCapture(id, path.replace(/^.* → /, ''))
      this.#bindings.add(identity, parcel, { path, owners: [weakly(object)] })
    })
  }

  #valueOf(name: LiveName, { code, scopes }: Reading, path: string): unknown {
    const { given } = this.#options
    if (Object.hasOwn(given, name.name)) {
      this.changeable()
      return given[name.name]
    }
    const value = valueOf(name.name, scopes)
    if (value === noValueYet || (value === undefined && isUnset(code, name))) {
      throw uninitialisedRefusal(name.name, path)
    }
    return membersOf(code, name, value, path, (found) => this.#permit(found))
  }

  #permit(found: FoundName): void {
    this.#names.push(found)
    permit(this.#options.policy, found)
  }

  permitMembers(namespace: object, path: string): void {
    for (const name of Object.keys(namespace)) this.#permit({ name, path: path + propertyStep(name) })
  }

  #cell(
    parcel: Parcel,
    fn: AnyFunction,
    name: LiveName,
    reading: Reading,
    value: unknown,
    path: string,
  ): Slot {
    this.changeable()
    const variable = this.#shared.find(fn, name, reading, path)
    if (parcel.isFresh && variable.id === undefined) {
      variable.isInline = true
      return parcel.row(variable, () => [rowKind.cell, parcel.slot(value, path)])
    }
    if (variable.isInline) this.#mustRepeat = true
    const id = this.#shared.idOf(variable, fn)
    parcel.needs.add(id)
    if (this.#bindings.begin(id)) {
      this.#define(identityOfCapture(id, name.name), value, {
        path,
        user: reading.code,
        owners: variable.owners,
      })
    }
    return parcel.row(variable, () => [rowKind.binding, id])
  }

  /** A variable of a module: what it holds goes by itself, so that it can be compared. */
  #bind(code: LiveCode, name: LiveName, value: unknown, path: string): number {
    const id = variableId(code, name)
    if (!this.#bindings.begin(id)) return id
    const home = name.home ?? { module: code.module, name: name.name, variable: name.variable }
    this.#define(identityOfVariable(id, home, value), value, { path, user: code })
    return id
  }

  bindMember(home: MemberVariable, value: unknown, path: string): number {
    const id = bindingId(`${home.module}#${home.name}`)
    if (this.#bindings.begin(id)) this.#define(identityOfVariable(id, home, value), value, { path })
    return id
  }

  #define(identity: BindingIdentity, value: unknown, found: Found): void {
    this.#nested(() => {
      const parcel = Parcel.of(this, value, found.path, false)
      const code = typeof value === 'function' ? this.#readings.of(value as AnyFunction)?.code : undefined
      this.#bindings.add(identity, parcel, { ...found, code })
    })
  }
}
