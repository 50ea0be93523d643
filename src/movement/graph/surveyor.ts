import { types } from 'node:util'
import { type FoundName, permit } from '../capture-policy.ts'
import { type AnyFunction, isNativeText, nameOf } from '../function-source.ts'
import { baseName } from '../live/base-name.ts'
import { isMemberAllowed, namesElsewhere } from '../live/names-elsewhere.ts'
import { internalsOf } from '../live/inspector.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import type { VariableHome } from '../live/variable-home.ts'
import { canBeHeld, heldObject, holdObject } from './held-objects.ts'
import { noValueYet, type Reading, readLive, valueOf } from '../live/reading.ts'
import { processClasses } from '../../transport/codec/registered-classes.ts'
import { missingNames } from '../refusals.ts'
import { type BindingIdentity, bindingUse } from './binding-use.ts'
import { inOrder } from './binding-order.ts'
import { commonObjects } from './common-objects.ts'
import { bindingId, functionId, variableId, weakly } from './binding-ids.ts'
import { inspectorRefusal, nodeCodeRefusal, uninitialisedRefusal } from './capture-refusals.ts'
import { checkInstance } from './check-instance.ts'
import { capturedContent, type Content } from './content.ts'
import { hasOwnProperties } from './function-properties.ts'
import { builtinPlace } from './intrinsics.ts'
import { countOfMembers, membersOf } from './namespace-members.ts'
import { Nesting } from './nesting.ts'
import { type FunctionWriter, Parcel } from './parcel.ts'
import { Ways } from './reached-by.ts'
import { notingRefusal } from './refused-names.ts'
import { rowKind } from './rows.ts'
import { SharedVariables } from './shared-variables.ts'
import { hasChangeablePrivate, lostPrivateField } from './static-private.ts'
import { isNeverUndefined } from './uninitialised.ts'
import type { BindingUse, Survey, SurveyOptions } from './survey.ts'
import { type Slot, writeAdditions } from './value-rows.ts'

type Definition = [
  identity: BindingIdentity,
  value: unknown,
  path: string,
  user: LiveCode | undefined,
  owners?: readonly WeakRef<object>[],
]

/** Looks once at all that a function refers to. */
export class Surveyor implements FunctionWriter {
  readonly #options: SurveyOptions
  readonly #readings = new Map<AnyFunction, Reading>()
  readonly #codes = new Map<number, LiveCode>()
  readonly #bindings = new Map<number, BindingUse>()
  readonly #begun = new Set<number>()
  readonly #names: FoundName[] = []
  readonly #shared = new SharedVariables()
  readonly #ways = new Ways()
  readonly nesting = new Nesting()
  /** What was too deep to be written at once. */
  readonly #waiting: (() => void)[] = []
  /** Functions that a call's own parcel holds a copy of. */
  readonly #inlined = new Set<AnyFunction>()
  /** By binding: what it holds. */
  readonly #parcels = new Map<number, Parcel>()
  /** Those that are no variables of modules: what is in them is one thing, whoever refers to it. */
  readonly #held = new Set<Parcel>()
  /** By binding: how much of a namespace it was given. */
  readonly #members = new Map<number, number>()
  #isSettled = true
  #mustRepeat = false
  /** A namespace has been given less than what turned out to be used of it, or something was taken for a part of another. */
  #isOutdated = false
  readonly #mayBeOutdated: boolean
  #root: AnyFunction | undefined

  /** @param mayBeOutdated - it is to answer in any case */
  constructor(options: SurveyOptions, mayBeOutdated: boolean) {
    this.#options = options
    this.#mayBeOutdated = mayBeOutdated
  }

  /** Undefined if it has to be done once more: meanwhile more is known of what is held by itself. */
  survey(fn: AnyFunction, path: string): Survey | undefined {
    this.#root = fn
    let parcel = this.#rootParcel(fn, path)
    if (this.#mustRepeat) parcel = this.#rootParcel(fn, path)
    this.#shared.check(this.#ways, fn)
    this.#isOutdated ||= this.#holdCommonObjects(parcel)
    if (this.#isOutdated && !this.#mayBeOutdated) return undefined
    const groups = inOrder([...this.#bindings.values()], this.#parcels)
    const code = this.#readings.get(fn)?.code
    return {
      name: nameOf(fn),
      code,
      content: this.#encode(parcel, path),
      isFresh: parcel.rows.length > 1 || code?.names.some(({ from }) => from === 'captured') !== false,
      codes: [...this.#codes.values()],
      bindings: groups.flat(),
      groups,
      captured: code?.names.filter(({ from }) => from === 'captured').map(({ name }) => name) ?? [],
      names: this.#names,
      isSettled: this.#isSettled,
    }
  }

  #rootParcel(fn: AnyFunction, path: string): Parcel {
    const parcel = Parcel.of(this, fn, path, true)
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) next()
    return parcel
  }

  /** Writes the parcel of a binding, or does that later if it is too deep now. */
  #nested(write: () => void): void {
    if (this.nesting.isDeep) {
      this.#waiting.push(this.inPlace(write))
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
    if (!types.isProxy(fn) && isNativeText(fn) && this.#writeBound(parcel, row, fn, path)) return
    const reading = this.#read(fn, path)
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
    if (this.#begun.has(id)) return
    this.#begun.add(id)
    this.#nested(() => this.#hold(id, fn, reading, path))
  }

  /** A call has functions of its own if they have captured values; all others are held, and sent once. */
  #isInline(fn: AnyFunction, { code }: Reading): boolean {
    if (fn === this.#root) return true
    if (code.isClass || this.#begun.has(functionId(fn))) return false
    return code.names.some(({ from }) => from === 'captured') || hasOwnProperties(fn, code.isClass)
  }

  #writeBound(parcel: Parcel, row: unknown[], fn: AnyFunction, path: string): boolean {
    const bound = internalsOf(fn)?.bound
    if (bound === undefined) return false
    this.changeable()
    row.push(rowKind.bound, parcel.slot(bound.target, `${path} → ${nameOf(bound.target) || 'target'}`))
    row.push(parcel.slot(bound.self, `${path} → this`))
    bound.args.forEach((arg, index) => row.push(parcel.slot(arg, `${path} → argument ${index + 1}`)))
    return true
  }

  #read(fn: AnyFunction, path: string): Reading {
    const known = this.#readings.get(fn)
    if (known !== undefined) return known
    const isRoot = fn === this.#root
    const reading = (isRoot && this.#options.reading) || readLive(fn, path, this.#options.given)
    if (reading === undefined) throw inspectorRefusal(nameOf(fn) || 'fn', path)
    const { missing, module } = reading.code
    if (module.startsWith('node:')) throw nodeCodeRefusal(path)
    const [first, ...others] = missing
    if (first !== undefined) throw missingNames([first, ...others], path)
    if (!reading.isStable) this.changeable()
    this.#readings.set(fn, reading)
    this.#codes.set(reading.code.id, reading.code)
    return reading
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
    this.#parcels.set(id, parcel)
    this.#held.add(parcel)
    const kind = code.isClass ? 'class' : 'function'
    const identity = { id, kind, module: '', name: nameOf(fn), isConstant: true, isSettled: false } as const
    this.#bindings.set(
      id,
      bindingUse(identity, parcel, this.#encode(parcel, path), path, code, undefined, [weakly(fn)]),
    )
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
    this.#names.push(found)
    permit(this.#options.policy, found)
    if (name.from === 'import') return
    const value = this.#valueOf(name, reading, at)
    this.#ways.through(name, code.module, () => {
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
    if (!parcel.isFresh && canBeHeld(value) && heldObject(value) === undefined) {
      holdObject(value)
      // It may have been taken for a part of something else.
      this.#isOutdated = true
    }
    const slot = parcel.slot(value, path)
    const id = name.isEager ? parcel.heldAt(slot) : undefined
    if (id !== undefined) parcel.eager.add(id)
    return slot
  }

  writeObject(id: number, object: object, path: string): void {
    if (this.#begun.has(id)) return
    this.#begun.add(id)
    this.#nested(() => this.#writeObject(id, object, path))
  }

  #writeObject(id: number, object: object, path: string): void {
    const parcel = Parcel.of(this, object, path, false, true)
    this.#parcels.set(id, parcel)
    this.#held.add(parcel)
    const name = path.replace(/^.* → /, '')
    const identity = { id, kind: 'capture', module: '', name, isConstant: false, isSettled: false } as const
    const content = this.#encode(parcel, path)
    this.#bindings.set(
      id,
      bindingUse(identity, parcel, content, path, undefined, undefined, [weakly(object)]),
    )
  }

  /** What two functions lead to by different ways is held by itself, too. Answers whether there was any such thing. */
  #holdCommonObjects(root: Parcel): boolean {
    if (this.#held.size === 0) return false
    const others = [root, ...this.#parcels.values()].filter((parcel) => !this.#held.has(parcel))
    const common = commonObjects(this.#held, others).filter(canBeHeld)
    for (const object of common) holdObject(object)
    return common.length > 0
  }

  #valueOf(name: LiveName, { code, scopes }: Reading, path: string): unknown {
    const { given } = this.#options
    if (Object.hasOwn(given, name.name)) {
      this.changeable()
      return given[name.name]
    }
    const value = valueOf(name.name, scopes)
    const isUnset = value === undefined && name.variable !== undefined && isNeverUndefined(name.variable)
    if (value === noValueYet || isUnset) {
      throw uninitialisedRefusal(name.name, path)
    }
    return membersOf(code, name, value, (member) => isMemberAllowed(this.#options.policy, code, name, member))
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
    if (!this.#begun.has(id)) {
      this.#begun.add(id)
      const kind = 'capture'
      const identity = { id, kind, module: '', name: name.name, isConstant: false, isSettled: false } as const
      this.#define(identity, value, path, reading.code, variable.owners)
    }
    return parcel.row(variable, () => [rowKind.binding, id])
  }

  /** A variable of a module: what it holds goes by itself, so that it can be compared. */
  #bind(code: LiveCode, name: LiveName, value: unknown, path: string): number {
    const id = variableId(code, name)
    if (this.#begun.has(id)) {
      this.#isOutdated ||= (this.#members.get(id) ?? 0) < countOfMembers(id)
      return id
    }
    this.#begun.add(id)
    this.#members.set(id, countOfMembers(id))
    const home = name.home ?? { module: code.module, name: name.name, variable: name.variable }
    this.#defineVariable(id, home, value, path, code)
    return id
  }

  bindMember(home: VariableHome, value: unknown, path: string): number {
    const id = bindingId(`${home.module}#${home.name}`)
    if (this.#begun.has(id)) return id
    this.#begun.add(id)
    this.#defineVariable(id, home, value, path, undefined)
    return id
  }

  #defineVariable(
    id: number,
    { module, name, variable }: Omit<VariableHome, 'variable'> & Pick<LiveName, 'variable'>,
    value: unknown,
    path: string,
    user: LiveCode | undefined,
  ): void {
    const isConstant = variable?.kind === 'const' || variable?.kind === 'import'
    const isFunction = typeof value === 'function'
    const isPrimitive = !isFunction && (typeof value !== 'object' || value === null)
    const kind = isFunction ? kindOfFunction(value as AnyFunction) : isConstant ? 'constant' : 'global'
    const isSettled = variable?.kind === 'const' && isPrimitive
    this.#define({ id, kind, module, name, isConstant, isSettled }, value, path, user)
  }

  #define(...what: Definition): void {
    this.#nested(() => this.#defineNow(...what))
  }

  #defineNow(...[identity, value, path, user, owners]: Definition): void {
    const parcel = Parcel.of(this, value, path, false)
    this.#parcels.set(identity.id, parcel)
    if (identity.kind === 'capture') this.#held.add(parcel)
    const code = typeof value === 'function' ? this.#readings.get(value as AnyFunction)?.code : undefined
    this.#bindings.set(
      identity.id,
      bindingUse(identity, parcel, this.#encode(parcel, path), path, code, user, owners),
    )
  }

  #encode(parcel: Parcel, path: string): Content {
    return capturedContent(this.#options.codec, parcel.rows, path)
  }
}

const kindOfFunction = (fn: AnyFunction): 'function' | 'class' =>
  !types.isProxy(fn) && /^class\b/.test(Function.prototype.toString.call(fn)) ? 'class' : 'function'
