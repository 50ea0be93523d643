import { describe, expect, it } from 'vitest'
import { mapValueStep, propertyStep, shortenPath } from '../../../src/transport/codec/path.ts'

describe('paths in errors', () => {
  it.each([
    ['name', '.name'],
    ['$_1', '.$_1'],
    ['größe', '.größe'],
    ['odd key', '["odd key"]'],
    ['1', '["1"]'],
    ['', '[""]'],
  ])('property %j', (key, step) => expect(propertyStep(key)).toBe(step))

  it('map values', () => {
    expect([mapValueStep('a', 0), mapValueStep(5, 1), mapValueStep({}, 2)]).toEqual([
      '.get("a")',
      '.get(5)',
      '.values()[2]',
    ])
  })

  it('are short enough to read', () => {
    expect(propertyStep('x y'.repeat(1000)).length).toBeLessThan(100)
    expect(shortenPath('a'.repeat(5000)).length).toBeLessThan(410)
    expect(shortenPath('args[0]')).toBe('args[0]')
  })
})
