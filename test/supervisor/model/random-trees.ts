import type { ModelBehaviour, ModelChild, ModelSpec } from './reference.ts'

/** A small generator of numbers that are the same for the same seed (xorshift). */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1
    for (let warm = 0; warm < 8; warm++) this.next()
  }

  /** From 0, to 1 exclusive. */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state >>> 0
    return this.#state / 2 ** 32
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1))
  }

  one<T>(things: readonly T[]): T {
    return things[Math.floor(this.next() * things.length)]!
  }

  isTrue(share: number): boolean {
    return this.next() < share
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193)
  return value >>> 0
}

/** How each life of each path behaves: by chance, and always the same. */
export function behaviours(seed: number): (path: string, life: number) => ModelBehaviour {
  return (path, life) => {
    const chance = new Chance(hash(`${seed} ${path} ${life}`))
    const what = chance.next()
    return {
      bootMs: chance.between(0.5, 40),
      // The first life of most comes up, or there would be no tree to look at.
      boot: life > 1 && what < 0.12 ? 'fail' : what > 0.97 ? 'skip' : what < 0.004 ? 'fail' : 'ready',
      stopMs: chance.isTrue(0.15) ? Infinity : chance.between(0.5, 60),
    }
  }
}

export function randomChild(chance: Chance, id: string, parent: ModelSpec, depth: number): ModelChild {
  const isSupervisor = depth > 0 && chance.isTrue(0.3)
  const restart = chance.one(['permanent', 'permanent', 'transient', 'temporary'] as const)
  const significant = parent.autoShutdown !== 'never' && restart !== 'permanent' && chance.isTrue(0.5)
  const times = isSupervisor ? [Infinity, Infinity, 0, 120.5] : [0, 20.25, 50.125]
  return {
    id,
    restart,
    significant,
    shutdownMs: chance.one(times),
    ...(isSupervisor ? { supervisor: randomSpec(chance, depth - 1) } : {}),
  }
}

export function randomSpec(chance: Chance, depth: number): ModelSpec {
  const spec: ModelSpec = {
    strategy: chance.one(['one-for-one', 'one-for-all', 'rest-for-one']),
    maxRestarts: chance.integer(0, 6),
    periodMs: chance.between(50, 500),
    backoff: {
      minMs: chance.isTrue(0.3) ? 0 : chance.between(1, 20),
      maxMs: chance.between(20, 80),
      factor: chance.one([1, 1.5, 2, 3]),
      resetAfterMs: chance.between(10, 300),
    },
    autoShutdown: chance.one(['never', 'never', 'any-significant', 'all-significant']),
    maxConcurrentBoots: chance.integer(1, 3),
    coalesce: chance.isTrue(0.8),
    resurrect: chance.isTrue(0.2),
    children: [],
  }
  const count = chance.integer(0, depth > 1 ? 5 : 4)
  const children = Array.from({ length: count }, (_, index) =>
    randomChild(chance, 'abcdefgh'[index]!, spec, depth),
  )
  return { ...spec, children }
}
