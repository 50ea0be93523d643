import { CaptureError } from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, rejection } from './workers.ts'

useLeakCheck()

const descriptor = (object: object, key: PropertyKey): PropertyDescriptor =>
  Object.getOwnPropertyDescriptor(object, key)!

class Aliased {
  run(): string {
    return 'run'
  }
  stop(): string {
    return 'stop'
  }
}
Object.defineProperty(Aliased.prototype, 'go', { ...descriptor(Aliased.prototype, 'run') })

class Swapped {
  run(): string {
    return 'run'
  }
  stop(): string {
    return 'stop'
  }
  static make(): string {
    return 'make'
  }
  static brew(): string {
    return 'brew'
  }
}
Swapped.prototype.run = Swapped.prototype.stop
Swapped.make = Swapped.brew

class Accessed {
  get first(): string {
    return 'first'
  }
  get second(): string {
    return 'second'
  }
  set second(_value: string) {}
}
Object.defineProperty(Accessed.prototype, 'first', { ...descriptor(Accessed.prototype, 'second') })
Object.defineProperty(Accessed.prototype, 'second', { set: undefined } as unknown as PropertyDescriptor)

class Closed {
  run(): string {
    return 'run'
  }
}
Object.defineProperty(Closed.prototype, 'run', { writable: false })

class Named {
  grain = 1
  static override = 1
  static label = 'old'
  static [Symbol.iterator](): string {
    return 'iterated'
  }
  static 'a b'(): number {
    return 1
  }
  static 7(): number {
    return 7
  }
}
Object.defineProperty(Named, 'name', { value: 'given', writable: true, enumerable: true, configurable: true })
Named.label = 'new'

class Untouched {
  static count = 0
  static {
    this.count = 3
  }
  get kind(): string {
    return 'pale'
  }
  set kind(_value: string) {}
  [Symbol.toPrimitive](): string {
    return 'primitive'
  }
  async *steps(): AsyncGenerator<number> {
    yield 1
  }
}

describe('what has been done to a class since it was made', () => {
  test.each([
    ['a method under another name', () => [new Aliased().run(), (new Aliased() as any).go()], ['run', 'run']],
    ['a method in the place of another', () => [new Swapped().run(), new Swapped().stop()], ['stop', 'stop']],
    ['a static one', () => [Swapped.make(), Swapped.brew()], ['brew', 'brew']],
    ['an accessor in the place of another', () => [new Accessed().first], ['second']],
    [
      'a setter that is gone',
      () => [typeof Object.getOwnPropertyDescriptor(Accessed.prototype, 'second')?.set],
      ['undefined'],
    ],
    [
      'a method that can not be written',
      () => [Object.getOwnPropertyDescriptor(Closed.prototype, 'run')?.writable, new Closed().run()],
      [false, 'run'],
    ],
    [
      'static fields, also one called `name`',
      () => [Named.name, Named.label, Named.override, (Named as any)['a b'](), Named[7]()],
      ['given', 'new', 1, 1, 7],
    ],
    ['a static member by a symbol', () => [(Named as any)[Symbol.iterator]()], ['iterated']],
    [
      'nothing',
      () => [
        Untouched.count,
        new Untouched().kind,
        `${new Untouched() as any}`,
        typeof new Untouched().steps,
      ],
      [3, 'pale', 'primitive', 'function'],
    ],
  ])('%s is there, too', async (_, look: () => unknown[], expected) => {
    await using worker = await quietWorker()
    expect(look()).toEqual(expected)
    expect(await worker.call(look)).toEqual(expected)
  })

  test('what has been deleted is refused by its path: its text would make it again', async () => {
    class Cut {
      static made = 1
      run(): string {
        return 'run'
      }
    }
    delete (Cut.prototype as Partial<Cut>).run
    await using worker = await quietWorker()
    const error = await rejection(
      worker.call(() => typeof Cut),
      CaptureError,
    )
    expect(error.path).toMatch(/Cut\.prototype\.run$/)
    expect(error.why).toContain('deleted')
    class Bare {
      grain = 1
      static made? = 1
    }
    delete Bare.made
    const other = await rejection(
      worker.call(() => typeof Bare),
      CaptureError,
    )
    expect(other.path).toMatch(/Bare\.made$/)
    const given = worker.call(() => typeof Kept, [], { captures: { Kept: Bare }, capture: 'explicit' })
    expect((await rejection(given, CaptureError)).why).toContain('deleted')
  })
})

declare const Kept: unknown
