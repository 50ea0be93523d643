import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as maltster from 'maltster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker } from './workers.ts'

useLeakCheck('file')

const root = resolve(import.meta.dirname, '../..')
let folder: string
let copy: typeof maltster

class Volume {
  readonly #litres: number
  constructor(litres: number) {
    this.#litres = litres
  }
  get litres(): number {
    return this.#litres
  }
}
const codec = {
  encode: ({ litres }: Volume): number => litres,
  decode: (litres: number): Volume => new Volume(litres),
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'copy-'))
  for (const part of ['dist', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  copy = (await import(
    /* @vite-ignore */ pathToFileURL(join(folder, 'dist/index.js')).href
  )) as typeof maltster
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

test('a class that one copy of the package registers is known to the other, on both sides', async () => {
  expect(copy.registerClass).not.toBe(maltster.registerClass)
  const taken = copy.registerClass(Volume, codec)
  try {
    // The one copy's host has the other copy register in its worker.
    await using worker = await quietWorker()
    const url = pathToFileURL(join(folder, 'dist/child/index.js')).href
    await worker.call(
      async (module: string) => {
        const { registerClass } = (await import(module)) as typeof maltster
        registerClass(Volume, {
          encode: ({ litres }) => litres,
          decode: (litres: number) => new Volume(litres),
        })
      },
      [url],
    )
    const twice = await worker.call((one: Volume) => new Volume(one.litres * 2), [new Volume(4)])
    expect(twice).toBeInstanceOf(Volume)
    expect(twice.litres).toBe(8)
    await using other = await copy.spawnWorker({
      stdout: 'ignore',
      stderr: 'ignore',
      preload: [() => void maltster.registerClass(Volume, codec)],
    })
    expect(await other.call((one: Volume) => one.litres, [new Volume(3)])).toBe(3)
  } finally {
    taken[Symbol.dispose]()
  }
})

test('a name that one copy has taken is taken for the other, and the same class is no conflict', () => {
  using _first = copy.registerClass(Volume, codec)
  using _second = maltster.registerClass(Volume, codec)
  class Other {
    readonly own = 1
  }
  expect(() =>
    maltster.registerClass(Other, { name: 'Volume', encode: () => 1, decode: () => new Other() }),
  ).toThrow('Another class is registered as "Volume"')
})
