import { type AnyFunction, nameOf } from '../function-source.ts'
import type { LiveCode } from '../live/live-code.ts'
import { type Reading, readLive } from '../live/reading.ts'
import { missingNames } from '../refusals.ts'
import { inspectorRefusal, nodeCodeRefusal } from './capture-refusals.ts'
import type { SurveyOptions } from './survey.ts'

/** The functions of one survey, each read once: they are taken to be what they were when they were met first. */
export class Readings {
  readonly #options: Pick<SurveyOptions, 'given' | 'reading'>
  readonly #readings = new Map<AnyFunction, Reading>()
  readonly #codes = new Map<number, LiveCode>()
  #root: AnyFunction | undefined
  /** None of what they refer to by name ever gets another value. */
  areStable = true

  constructor(options: Pick<SurveyOptions, 'given' | 'reading'>) {
    this.#options = options
  }

  /** From now on: of what is sent with this function, which may have been read. */
  begin(root: AnyFunction): void {
    this.#root = root
  }

  get codes(): LiveCode[] {
    return [...this.#codes.values()]
  }

  /** Undefined if it has not been read. */
  of(fn: AnyFunction): Reading | undefined {
    return this.#readings.get(fn)
  }

  /** @throws {CaptureError} if it can't be read, is code of Node.js, or refers to what nothing supplies */
  read(fn: AnyFunction, path: string): Reading {
    const known = this.#readings.get(fn)
    if (known !== undefined) return known
    const { given, reading: ofRoot } = this.#options
    const reading = (fn === this.#root && ofRoot) || readLive(fn, path, given)
    if (reading === undefined) throw inspectorRefusal(nameOf(fn) || 'fn', path)
    const { missing, module } = reading.code
    if (module.startsWith('node:')) throw nodeCodeRefusal(path)
    const [first, ...others] = missing
    if (first !== undefined) throw missingNames([first, ...others], path)
    this.areStable &&= reading.isStable
    this.#readings.set(fn, reading)
    this.#codes.set(reading.code.id, reading.code)
    return reading
  }
}
