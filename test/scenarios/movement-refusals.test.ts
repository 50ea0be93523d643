import { EventEmitter } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { CaptureError, EncodeError, explain, pool, supervise, type Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { make, makeSloppy } from '../fixtures/movement/make.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker
let socket: Socket
let server: Server

beforeAll(async () => {
  worker = await quietWorker()
  socket = connect({ port: 1, host: '127.0.0.1' }).on('error', () => {})
  server = createServer()
})

afterAll(async () => {
  socket.destroy()
  await worker.stop()
})

type Sent = () => unknown

class Secret {
  readonly #hidden = 1
  static readonly peek = (one: Secret): number => one.#hidden
  get hidden(): number {
    return this.#hidden
  }
}
class Words extends Map<string, number> {}
class Base {
  greet(): string {
    return 'base'
  }
}
class Derived extends Base {
  override greet(): string {
    return super.greet()
  }
}
const timer = setTimeout(() => {}, 0)
const immediate = setImmediate(() => {})
const promise = Promise.resolve(1)
const proxy = new Proxy({ a: 1 }, {})
const proxied = new Proxy(() => 1, {})
const weakMap = new WeakMap()
const weakSet = new WeakSet()
const weakRef = new WeakRef({})
const unique = Symbol('unique')
const secret = new Secret()
const words = new Words()
const stream = new PassThrough()
const emitter = new EventEmitter()
const controller = new AbortController()
const sharedMemory = new Uint8Array(new SharedArrayBuffer(8))
const generator = (function* () {
  yield 1
})()
const iterator = [1].values()
const conn = { inner: { get: () => socket } }
const helper = (): unknown => conn.inner.get()
const derived = new Derived()
const greeter = Object.setPrototypeOf({ greet: () => 'a' }, { nobody: 1 }) as { greet(): string }
const child = {
  describe(): string {
    return `child of ${super.toString()}`
  },
}
let settle!: (value: unknown) => void
void new Promise((resolve) => {
  settle = resolve
})
const keyed = { deep: [{ [unique]: 1 }] }
const format = new Intl.NumberFormat('en')
const withAccessor = {
  get live(): Promise<number> {
    return promise
  },
}
const holder = { list: [new Map([['key', new Set([promise])]])] }

/** What is sent, the way to what is in the way, why, and what to do. */
const refusals: readonly (readonly [what: string, fn: Sent, path: string, why: string, hint: string])[] = [
  [
    'a socket',
    () => socket.destroyed,
    'fn → socket (Socket)',
    "a socket can't leave its process",
    'Open it in the worker, e.g. in `preload`',
  ],
  [
    'a socket, deep in helpers',
    () => helper(),
    'fn → helper → conn.inner.get → socket (Socket)',
    "a socket can't leave its process",
    'Open it in the worker, e.g. in `preload`',
  ],
  [
    'a server',
    () => server.listening,
    'fn → server (Server)',
    "a socket can't leave its process",
    'Open it in the worker, e.g. in `preload`',
  ],
  [
    'a stream',
    () => stream.readable,
    'fn → stream (PassThrough)',
    "a stream can't leave its process",
    'Open it in the worker, e.g. in `preload`, or pass the data it carries',
  ],
  [
    'a timer',
    () => timer,
    'fn → timer (Timeout)',
    'a timer belongs to the event loop of this process',
    'Start it inside the function',
  ],
  [
    'an immediate',
    () => immediate,
    'fn → immediate (Immediate)',
    'a timer belongs to the event loop of this process',
    'Start it inside the function',
  ],
  [
    'a Promise',
    () => promise,
    'fn → promise (Promise)',
    'a promise is settled in this process only',
    'Await it before the call, and use the value',
  ],
  [
    'a Proxy',
    () => proxy.a,
    'fn → proxy (Proxy)',
    'what a Proxy does is hidden in its handler',
    'Pass the object behind it, or a plain copy',
  ],
  [
    'a Proxy of a function',
    () => proxied(),
    'fn → proxied',
    'it is a Proxy, whose handler is not part of any text',
    'Pass the function it stands for, or a function that calls it there',
  ],
  [
    'a WeakMap',
    () => weakMap,
    'fn → weakMap (WeakMap)',
    'what it holds weakly belongs to the memory of this process',
    'Use a Map, a Set or a plain reference, or make it inside the function; if a compiler has made it of private fields, have it compile for ES2022',
  ],
  [
    'a WeakSet',
    () => weakSet,
    'fn → weakSet (WeakSet)',
    'what it holds weakly belongs to the memory of this process',
    'Use a Map, a Set or a plain reference, or make it inside the function; if a compiler has made it of private fields, have it compile for ES2022',
  ],
  [
    'a WeakRef',
    () => weakRef,
    'fn → weakRef (WeakRef)',
    'what it holds weakly belongs to the memory of this process',
    'Use a Map, a Set or a plain reference, or make it inside the function',
  ],
  [
    'a unique symbol',
    () => unique,
    'fn → unique',
    'it is a unique symbol (Symbol(unique)), which no other process has',
    'Use `Symbol.for(name)`, which is the same everywhere',
  ],
  [
    'a unique symbol as a key',
    () => keyed,
    'fn → keyed.deep[0][Symbol(unique)]',
    'it is a unique symbol (Symbol(unique)), which no other process has',
    'Use `Symbol.for(name)`, which is the same everywhere',
  ],
  [
    'a native function',
    () => settle(1),
    'fn → settle',
    'it is native code, which has no text to send',
    'Call it here, with what the function returns',
  ],
  [
    '`this` of an arrow',
    make('(function () { return () => this })()') as Sent,
    'fn',
    'it uses the `this` of the code around it',
    'Pass the object as an argument, or use a `function` that gets what it needs as arguments',
  ],
  [
    '`super` of a method of an object',
    () => child.describe(),
    'fn → child.describe',
    'it uses `super`, which belongs to the object or class that it is a member of',
    'Send a function that does not use `super`, or give the whole class in `captures`',
  ],
  [
    '`super` of a method on its own',
    derived.greet,
    'greet',
    'it uses `super`, which belongs to the object or class that it is a member of',
    'Send a function that does not use `super`, or give the whole class in `captures`',
  ],
  [
    'private fields',
    () => secret.hidden,
    'fn → secret (Secret)',
    'it has the private field `#hidden`, which nobody can set from outside',
    'Register its class here and in the worker, `registerClass(Secret, { encode, decode })`, or pass its data',
  ],
  [
    'a private name',
    make('(class A { #x; static get = (one) => one.#x }).get') as Sent,
    'get',
    'it uses the private name `#x` of the class around it',
    'Give the whole class in `captures`',
  ],
  [
    'direct eval',
    make('() => eval("1")'),
    'fn',
    'it calls `eval` directly, which could refer to anything around it',
    'Call `(0, eval)(source)`, which sees only globals',
  ],
  [
    '`with`',
    makeSloppy('function fn() { with ({}) return 1 }') as Sent,
    'fn',
    'it uses `with`, so that its names have no fixed meaning',
    'Write out the object that is meant',
  ],
  [
    '`arguments` of the function around',
    make('(function () { return () => arguments[0] })(1)') as Sent,
    'fn',
    'it uses the `arguments` of the function around it',
    'Pass them as an argument',
  ],
  [
    '`new.target` of the function around',
    make('(function () { return () => new.target })()') as Sent,
    'fn',
    'it uses the `new.target` of the function around it',
    'Pass it as an argument',
  ],
  [
    'a name that is declared nowhere',
    make('() => nowhere + 1'),
    'fn → nowhere',
    '`nowhere` (line 1, column 7) is not declared in the function',
    'Pass it by `captures: { nowhere }` or as an argument, or name the function by `{ module, export }`',
  ],
  [
    'a subclass of Map',
    () => words.size,
    'fn → words (Words)',
    'its class extends one of the language whose content is hidden, such as Map or Array',
    'Pass its content, and make it anew inside the function',
  ],
  [
    'a generator',
    () => generator.next(),
    'fn → generator (generator)',
    'a generator has stopped in the midst of code of this process',
    'Collect it into an array, or start it inside the function',
  ],
  [
    'an iterator',
    () => iterator.next(),
    'fn → iterator',
    'it is of the kind Array Iterator, which lives in this process only',
    'Send the data that it holds, or make it inside the function',
  ],
  [
    'an emitter',
    () => emitter.listenerCount('a'),
    'fn → emitter (EventEmitter)',
    'it is an object with listeners, such as a stream or a socket',
    'Send the data that it carries, or open it over there, or make it inside the function',
  ],
  [
    'a controller',
    () => controller.signal,
    'fn → controller (AbortController)',
    'it is of the kind AbortController, which lives in this process only',
    'Send the data that it holds, or make it inside the function',
  ],
  [
    'a formatter',
    () => format,
    'fn → format (NumberFormat)',
    'it is of the kind Intl.NumberFormat, which lives in this process only',
    'Send the data that it holds, or make it inside the function',
  ],
  [
    'an object of an unknown prototype',
    () => greeter.greet(),
    'fn → greeter',
    'it has a prototype that no class or function stands for',
    'Pass a plain object, or an instance of a class',
  ],
  [
    'what a getter refers to',
    () => withAccessor,
    'fn → withAccessor get live → promise (Promise)',
    'a promise is settled in this process only',
    'Await it before the call, and use the value',
  ],
  [
    'deep in collections',
    () => holder,
    'fn → holder.list[0].get("key").values()[0] (Promise)',
    'a promise is settled in this process only',
    'Await it before the call, and use the value',
  ],
  [
    'a class as the function',
    make('class Shape {}') as Sent,
    'Shape',
    'it is a class, which can only be called with `new`',
    'Send a function that makes the object, `(...args) => new Shape(...args)`, with the class in `captures`',
  ],
]

describe('what is refused, before a byte is sent', () => {
  test.each(refusals)('%s', async (_what, fn, path, why, hint) => {
    const before = (await worker.stats()).bytes.sent
    const error = await rejection(worker.call(fn), CaptureError)
    expect([error.path, error.why, error.hint]).toEqual([path, why, hint])
    expect(error.message).toBe(`${path} can't be sent: ${why}. ${hint}`)
    expect((await worker.stats()).bytes.sent).toBe(before)
    for (const plan of [worker.explain(fn), explain(fn)]) {
      expect(plan.entries).toMatchObject([{ action: 'refused', reason: error.message, bytes: 0 }])
      const [first = '', ...others] = String(plan).split('\n')
      // The culprit, and all there is to say of it.
      expect(first.startsWith(path.split(' → ').at(-1)!)).toBe(true)
      expect(first).toContain(error.message)
      expect(others).toEqual(['Nothing would be sent.'])
    }
  })

  test('a plan says what kind of thing it is, and where it is used', () => {
    const local = socket
    const refusedOf = (fn: (...given: unknown[]) => unknown, args: unknown[] = [], options = {}): unknown =>
      explain(fn, args, options).entries[0]
    const used = expect.stringContaining('movement-refusals.test.ts:') as unknown
    expect(refusedOf(() => proxy)).toMatchObject({ name: 'proxy (Proxy)', kind: 'constant', origin: used })
    expect(refusedOf(() => socket)).toMatchObject({ name: 'socket (Socket)', kind: 'global', origin: used })
    expect(refusedOf(() => local)).toMatchObject({ name: 'local (Socket)', kind: 'capture', origin: used })
    expect(refusedOf(Math.max as () => unknown)).toMatchObject({ kind: 'function' })
    const argument = refusedOf((one) => one, [promise])
    expect(argument).toMatchObject({ kind: 'argument', name: 'args[0]', action: 'refused' })
    const given = { captures: { given: promise }, capture: 'explicit' } as const
    expect(refusedOf(make('() => given') as () => unknown, [], given)).toMatchObject({
      kind: 'capture',
      name: 'captures.given',
    })
  })

  test('there is a message of its own for each, and each names path, reason and remedy', () => {
    const messages = refusals.map(([, , path, why, hint]) => `${path} ${why} ${hint}`)
    expect(new Set(messages).size).toBe(refusals.length)
    expect(refusals.length).toBeGreaterThanOrEqual(20)
  })

  test('a name that has no value yet', async () => {
    const refused = rejection(
      worker.call(() => later),
      CaptureError,
    )
    const plan = worker.explain(() => later)
    const later = 1
    const error = await refused
    expect([error.path, error.why, error.hint]).toEqual([
      'fn → later',
      '`later` has not been given its value yet',
      'Make the call after the line that declares it',
    ])
    expect(String(plan).split('\n')[0]).toContain(error.message)
    expect(await worker.call(() => later)).toBe(1)
  })

  test('several names that are missing are told at once, with advice for those of compilers', async () => {
    const error = await rejection(worker.call(make('() => first + second + __cov_1()')), CaptureError)
    expect(error.message).toBe(
      "fn → first can't be sent: `first` (line 1, column 7) is not declared in the function (so are second, __cov_1). " +
        'Pass it by `captures: { first, second }` or as an argument, or name the function by `{ module, export }`',
    )
  })

  test('memory that two processes can not share', async () => {
    const one = await rejection(
      worker.call(() => sharedMemory[0]),
      CaptureError,
    )
    expect(one.path).toBe('fn → sharedMemory')
    expect(one.message).toContain('SharedArrayBuffer')
  })
})

describe('functions in results and arguments are refused with their path, and the worker goes on', () => {
  test.each<[string, () => unknown, string]>([
    ['alone', () => () => 1, 'result'],
    ['in a list', () => ({ a: [1, (): number => 1] }), 'result.a[1]'],
    ['in a map', () => new Map([['k', { run() {} }]]), 'result.get("k").run'],
    [
      'in a promise',
      async () => [
        class Empty {
          own = 1
        },
      ],
      'result[0]',
    ],
  ])('%s', async (_what, fn, path) => {
    const error = await rejection(worker.call(fn), EncodeError)
    expect([error.path, error.executed]).toEqual([path, 'yes'])
    expect(error.message).toMatch(/ can't be sent: it is a (?:function|class)/)
    expect(error.message).toContain(path)
    expect(error.message).toMatch(/send what (?:the|a) function (?:computes|makes)/)
    await expectUsable(worker)
  })

  test('a class as an argument, which is no callback', async () => {
    const error = await rejection(
      worker.call((one: unknown) => typeof one, [{ Secret }]),
      EncodeError,
    )
    expect([error.path, error.executed]).toEqual(['args[0].Secret', 'no'])
    expect(String(worker.explain((one: unknown) => typeof one, [{ Secret }])).split('\n')[0]).toContain(
      "args[0].Secret can't be sent",
    )
  })
})

test('what stands for processes is refused with what to do instead, captured and as an argument', async () => {
  const crew = await pool({ size: 1 })
  const app = await supervise({ name: 'refused-app', children: [{ id: 'child', worker: {} }] })
  const handle = app.worker('child')
  const held = { deep: [worker] }
  const { globals } = worker
  try {
    const sent: readonly (readonly [Sent, object, RegExp])[] = [
      [() => worker, worker, /→ worker \(Worker\).*Call it from here.*`await import\('maltster'\)`/],
      [() => held, held, /→ held\.deep\[0\] \(Worker\).*Call it from here/],
      [() => app.name, app, /→ app \(Supervisor\).*Ask it from here.*`await import\('maltster'\)`/],
      [() => crew.call(() => 1), crew, /→ crew \(Pool\).*Call it from here.*`await import\('maltster'\)`/],
      [() => handle, handle, /→ handle \(WorkerHandle\).*Call it from here.*`await import\('maltster'\)`/],
      [() => globals, globals, /→ globals \(WorkerGlobals\).*Read what is needed before the call/],
    ]
    for (const [fn, argument, expected] of sent) {
      const { message } = await rejection(worker.call(fn), CaptureError)
      expect(message).toMatch(expected)
      expect(message).not.toContain('registerClass')
      const passed = await rejection(
        worker.call((given: unknown) => given, [argument]),
        EncodeError,
      )
      expect(passed.message).not.toContain('registerClass')
    }
    await expectUsable(worker)
  } finally {
    await crew.stop()
    await app.stop()
  }
})
