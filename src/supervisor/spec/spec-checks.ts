import { type OptionCheck, shown, suggestion } from '../../actors/option-checks.ts'
import { SpecError } from '../../errors/supervision-errors.ts'

/** The error for one field of a spec. */
export function invalid(field: string, value: unknown, expected: string, remedy = ''): SpecError {
  const message = `Expected \`${field}\` to be ${expected}, got ${shown(value)}.${remedy === '' ? '' : ` ${remedy}`}`
  return new SpecError(message, { fault: 'invalid', field, value })
}

/**
 * Checks the fields of one object of a spec, unknown names among them.
 * @param where - the way to it: empty, or `children[2]`
 * @throws {SpecError} naming the field, the value and what is expected
 */
export function checkFields(
  where: string,
  what: string,
  value: unknown,
  checks: Readonly<Record<string, OptionCheck>>,
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(where === '' ? 'spec' : where, value, 'an object')
  }
  for (const [name, one] of Object.entries(value)) {
    const field = where === '' ? name : `${where}.${name}`
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      const message = `${what} has no field \`${field}\`.${suggestion(name, Object.keys(checks))}`
      throw new SpecError(message, { fault: 'invalid', field, value: one })
    }
    if (one === undefined) continue
    const expected = check(one)
    if (expected !== undefined) throw invalid(field, one, expected)
  }
}
