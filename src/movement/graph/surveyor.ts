import { types } from 'node:util'
import { type FoundName, permit } from '../capture-policy.ts'
import { type AnyFunction, isNativeText, nameOf } from '../function-source.ts'
import { baseName } from '../live/base-name.ts'
import { isBeforeDeclaration } from '../live/before-declaration.ts'
import { namesElsewhere } from '../live/names-elsewhere.ts'
import { internalsOf } from '../live/inspector.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import { noValueYet, type Reading, readLive, valueOf } from '../live/reading.ts'
import { propertyStep } from '../../transport/codec/path.ts'
import { processClasses } from '../../transport/codec/registered-classes.ts'
import { missingNames } from '../refusals.ts'
import { type BindingIdentity, bindingUse } from './binding-use.ts'
import { bindingId, functionId, variableId } from './binding-ids.ts'
import { inspectorRefusal, nodeCodeRefusal, uninitialisedRefusal } from './capture-refusals.ts'
import { checkInstance } from './check-instance.ts'
import { capturedContent, type Content } from './content.ts'
import { hasOwnProperties } from './function-properties.ts'
import { builtinPlace } from './intrinsics.ts'
import { type MemberVariable, membersOf } from './namespace-members.ts'
import { type FunctionWriter, Parcel } from './parcel.ts'
import { Ways } from './reached-by.ts'
import { notingRefusal } from './refused-names.ts'
import { rowKind } from './rows.ts'
import { SharedVariables } from './shared-variables.ts'
import { hasChangeablePrivate, lostPrivateField } from './static-private.ts'
import { isNeverUndefined } from './uninitialised.ts'
import type { BindingUse, Survey, SurveyOptions } from './survey.ts'
import { type Slot, writeAdditions } from './value-rows.ts'

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
  /** Functions that a call's own parcel holds a copy of. */
  readonly #inlined = new Set<AnyFunction>()
  #isSettled = true
  #mustRepeat = false
  #root: AnyFunction | undefined

  constructor(options: SurveyOptions) {
    this.#options = options
  }

  survey(fn: AnyFunction, path: string): Survey {
    this.#root = fn
    let parcel = Parcel.of(this, fn, path, true)
    if (this.#mustRepeat) parcel = Parcel.of(this, fn, path, true)
    this.#shared.check(this.#ways, fn)
    const code = this.#readings.get(fn)?.code
    return {
      name: nameOf(fn),
      code,
      content: this.#encode(parcel, path),
      isFresh: parcel.rows.length > 1 || code?.names.some(({ from }) => from === 'captured') !== false,
      codes: [...this.#codes.values()],
      bindings: [...this.#bindings.values()],
      captured: code?.names.filter(({ from }) => from === 'captured').map(({ name }) => name) ?? [],
      names: this.#names,
      isSettled: this.#isSettled,
    }
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
    this.#hold(id, fn, reading, path)
  }

  /** A call has functions of its own if they have captured values; all others are held, and sent once. */
  #isInline(fn: AnyFunction, { code }: Reading): boolean {
    if (fn === this.#root) return true
    if (code.isClass || this.#bindings.has(functionId(fn))) return false
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
    if (this.#begun.has(id)) return
    this.#begun.add(id)
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
    this.#bindings.set(id, bindingUse(identity, parcel, this.#encode(parcel, path), path, code, undefined))
  }

  #asWriter(): FunctionWriter {
    return {
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
    this.#ways.through(name, code.module, () => {
      if (name.from !== 'captured') {
        const id = this.#bind(code, name, value, at)
        // A function looks its variables up when it runs; only what is needed while it is made is part of it.
        if (name.isEager) parcel.needs.add(id)
      } else if (name.isShared) captured.push(this.#cell(parcel, fn, name, reading, value, at))
      else captured.push(parcel.slot(value, at))
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
    if (!this.#begun.has(id)) {
      this.#begun.add(id)
      const kind = 'capture'
      const identity = { id, kind, module: '', name: name.name, isConstant: false, isSettled: false } as const
      this.#define(identity, value, path, reading.code)
    }
    return parcel.row(variable, () => [rowKind.binding, id])
  }

  /** A variable of a module: what it holds goes by itself, so that it can be compared. */
  #bind(code: LiveCode, name: LiveName, value: unknown, path: string): number {
    const id = variableId(code, name)
    if (this.#begun.has(id)) return id
    this.#begun.add(id)
    const home = name.home ?? { module: code.module, name: name.name, variable: name.variable }
    this.#defineVariable(id, home, value, path, code)
    return id
  }

  bindMember(home: MemberVariable, value: unknown, path: string): number {
    const id = bindingId(`${home.module}#${home.name}`)
    if (this.#begun.has(id)) return id
    this.#begun.add(id)
    this.#defineVariable(id, home, value, path, undefined)
    return id
  }

  #defineVariable(
    id: number,
    { module, name, variable }: MemberVariable,
    value: unknown,
    path: string,
    user: LiveCode | undefined,
  ): void {
    const isConstant = variable?.kind === 'const' || variable?.kind === 'import'
    const isFunction = typeof value === 'function'
    const isPrimitive = !isFunction && (typeof value !== 'object' || value === null)
    const kind = isFunction ? kindOfFunction(value as AnyFunction) : isConstant ? 'constant' : 'global'
    // Undefined may have meant: not yet.
    const isSettled = variable?.kind === 'const' && isPrimitive && value !== undefined
    this.#define({ id, kind, module, name, isConstant, isSettled }, value, path, user)
  }

  #define(identity: BindingIdentity, value: unknown, path: string, user: LiveCode | undefined): void {
    const parcel = Parcel.of(this, value, path, false)
    const code = typeof value === 'function' ? this.#readings.get(value as AnyFunction)?.code : undefined
    this.#bindings.set(
      identity.id,
      bindingUse(identity, parcel, this.#encode(parcel, path), path, code, user),
    )
  }

  #encode(parcel: Parcel, path: string): Content {
    return capturedContent(this.#options.codec, parcel.rows, path)
  }
}

function isUnset({ module }: LiveCode, { variable, home }: LiveName): boolean {
  if (variable === undefined) return false
  const declared = home ?? { module, variable }
  return isNeverUndefined(declared.variable) || isBeforeDeclaration(declared.variable, declared.module)
}

const kindOfFunction = (fn: AnyFunction): 'function' | 'class' =>
  !types.isProxy(fn) && /^class\b/.test(Function.prototype.toString.call(fn)) ? 'class' : 'function'
