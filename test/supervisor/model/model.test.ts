import { expect, it } from 'vitest'

import type { ChildSpec, SupervisorSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import type { Supervisor } from '../../../src/supervisor/supervisor.ts'
import type { ChildState } from '../../../src/supervisor/tree/child-run.ts'
import { exitReason, SimulatedTree } from '../../support/simulated-tree.ts'
import { behaviours, Chance, randomChild, randomSpec } from './random-trees.ts'
import { type ModelChild, type ModelSpec, Reference } from './reference.ts'

/** `MALTSTER_SEEDS=n` looks at more. */
const seedCount = Number(process.env['MALTSTER_SEEDS'] ?? 2200)
const injectionCount = 25
/** Shows each step of a seed that is replayed. */
const isTraced = process.env['MALTSTER_TRACE'] !== undefined

/** How those die that die by themselves: mostly they crash. */
const ends = ['crash', 'crash', 'crash', 'crash', 'normal', 'normal', 'shutdown'] as const

const words: Record<ChildState, string> = {
  waiting: 'queued',
  'backing-off': 'delayed',
  starting: 'booting',
  up: 'up',
  stopping: 'ending',
  stopped: 'stopped',
  finished: 'finished',
  skipped: 'skipped',
  removed: 'removed',
}

function describe(supervisor: Supervisor, path = 'app'): string[] {
  return supervisor.whichChildren().flatMap(({ id, kind, state, incarnation }) => {
    const own = `${path}/${id} ${words[state]} ${incarnation}`
    const below = kind === 'supervisor' ? supervisor.supervisor(id) : undefined
    return below === undefined || below.state === 'dead' ? [own] : [own, ...describe(below, `${path}/${id}`)]
  })
}

function childSpec({ supervisor, ...child }: ModelChild): ChildSpec {
  return supervisor === undefined ? { ...child, worker: {} } : { ...child, supervisor: specOf(supervisor) }
}

function specOf(spec: ModelSpec): SupervisorSpec {
  return { ...spec, backoff: { ...spec.backoff, jitter: 0 }, children: spec.children.map(childSpec) }
}

/** One tree, real and as the rules have it, through the same events. */
class Comparison {
  readonly world = new SimulatedTree()
  readonly reference: Reference
  readonly app: Supervisor
  readonly #chance: Chance
  readonly #history: string[] = []
  /** How often which kind of thing happened, so that it can be seen that all of them do. */
  readonly tally: Map<string, number>
  #later = 0

  constructor(seed: number, tally: Map<string, number>) {
    this.tally = tally
    this.#chance = new Chance(seed)
    const spec = randomSpec(this.#chance, 2)
    this.#history.push(JSON.stringify(spec))
    const behave = behaviours(seed)
    this.world.behaviour = ({ path, incarnation }) => behave(path, incarnation)
    this.reference = new Reference(spec, behave)
    this.app = this.world.start(specOf(spec))
    this.#compare('start')
  }

  run(): void {
    // Most trees are up before anything happens to them.
    if (this.#chance.isTrue(0.8)) this.#passTime(1000)
    for (let count = 0; count < injectionCount && this.world.exit === undefined; count++) {
      this.#passTime(this.reference.now + this.#chance.between(0.01, this.#chance.isTrue(0.2) ? 150 : 15))
      this.#inject()
    }
    this.#note('stop')
    void this.app.stop()
    this.reference.stop()
    this.#compare('stop')
    this.#passTime(this.reference.now + 100_000)
    if (this.world.exit === undefined) throw this.#fault('the tree did not end', [], [])
    if (this.world.alive.length > 0 || this.world.clock.pending > 0) {
      throw this.#fault('something is left', this.world.alive, [`${this.world.clock.pending} timers`])
    }
    this.#count(`ended: ${this.world.exit.type}`)
  }

  #passTime(until: number): void {
    while (this.reference.next <= until) {
      this.reference.step()
      this.world.clock.runUntil(this.reference.now)
      this.#compare(`at ${this.reference.now}`)
    }
    this.reference.now = until
    this.world.clock.runUntil(until)
    this.#compare(`until ${until}`)
  }

  #inject(): void {
    const what = this.#chance.next()
    if (what < 0.6) this.#die()
    else if (what < 0.7) this.#terminate()
    else if (what < 0.8) this.#restart()
    else if (what < 0.9) this.#startChild()
    else this.#pause()
    this.world.clock.runFor(0)
    this.#compare('injection')
  }

  #die(): void {
    const { alive } = this.world
    if (alive.length === 0) return
    const count = Math.min(alive.length, this.#chance.one([1, 1, 1, 2, 3, 5]))
    const deaths = new Map<string, 'normal' | 'crash' | 'shutdown'>()
    for (let index = 0; index < count; index++) {
      deaths.set(this.#chance.one(alive), this.#chance.one(ends))
    }
    const list = Array.from(deaths, ([path, end]) => ({ path, end }))
    this.#note(`die ${JSON.stringify(list)}`)
    this.#count(`deaths at once: ${list.length}`)
    for (const { path } of list) this.#count(`died while ${this.reference.find(path)?.phase}`)
    this.reference.die(list)
    // Those lives, and not what may follow them in the same turn.
    const lives = list.map(({ path, end }) => ({ life: this.world.life(path), end }))
    for (const { life, end } of lives) life?.end(exitReason(end === 'crash' ? 'signal' : end))
  }

  #anyPath(): string | undefined {
    const paths = describe(this.app).map((line) => line.split(' ')[0]!.slice('app/'.length))
    return paths.length === 0 ? undefined : this.#chance.one(paths)
  }

  #anySupervisor(): string {
    const paths = [
      '',
      ...describe(this.app).flatMap((line) => {
        const path = line.split(' ')[0]!.slice('app/'.length)
        const { sup } = this.reference.find(path) ?? {}
        return sup === undefined || sup.phase === 'over' ? [] : [path]
      }),
    ]
    return this.#chance.one(paths)
  }

  #supervisorAt(path: string): Supervisor {
    return path === '' ? this.app : this.app.supervisor(path)
  }

  #terminate(): void {
    const path = this.#anyPath()
    if (path === undefined) return
    this.#note(`terminate ${path}`)
    this.#count(`terminated while ${this.reference.find(path)?.phase}`)
    this.reference.terminate(path)
    void this.app.terminateChild(path)
  }

  #restart(): void {
    const path = this.#anyPath()
    if (path === undefined) return
    this.#note(`restart ${path}`)
    this.#count(`restarted while ${this.reference.find(path)?.phase}`)
    this.reference.restart(path)
    this.app.restartChild(path).catch(() => {})
  }

  #startChild(): void {
    const path = this.#anySupervisor()
    const sup = this.reference.supervisor(path)!
    const spec = randomChild(this.#chance, `x${this.#later++ % 3}`, sup.spec, 1)
    this.#note(`start ${path} ${JSON.stringify(spec)}`)
    this.#count(`child added while ${sup.phase}`)
    this.reference.start(path, spec)
    this.#supervisorAt(path)
      .startChild(childSpec(spec))
      .catch(() => {})
  }

  #pause(): void {
    const path = this.#anySupervisor()
    const isPaused = this.reference.supervisor(path)?.isPaused === false && this.#chance.isTrue(0.4)
    this.#note(`${isPaused ? 'pause' : 'resume'} ${path}`)
    this.#count(isPaused ? 'paused' : 'resumed')
    this.reference.pause(path, isPaused)
    if (isPaused) this.#supervisorAt(path).pause()
    else this.#supervisorAt(path).resume()
  }

  #compare(when: string): void {
    const ours = describe(this.app)
    const rules = this.reference.describe()
    const log = this.world.takeLog().join('; ')
    if (isTraced) console.log(`${this.reference.now} ${when}: ${log}\n  ${ours.join(', ')}`)
    if (ours.join('\n') !== rules.join('\n')) throw this.#fault(when, ours, rules)
  }

  #note(what: string): void {
    this.#history.push(`${this.reference.now} ${what}`)
  }

  #count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1)
  }

  #fault(when: string, ours: readonly string[], rules: readonly string[]): Error {
    const differences = [
      ...ours.filter((line) => !rules.includes(line)).map((line) => `  tree:  ${line}`),
      ...rules.filter((line) => !ours.includes(line)).map((line) => `  rules: ${line}`),
    ]
    const order =
      differences.length === 0 ? [`  tree: ${ours.join(', ')}`, `  rules: ${rules.join(', ')}`] : []
    return new Error([`${when}:`, ...differences, ...order, ...this.#history].join('\n'))
  }
}

function check(seed: number, tally: Map<string, number>): void {
  try {
    new Comparison(seed, tally).run()
  } catch (error) {
    throw new Error(`MALTSTER_SEED=${seed} replays this.\n${(error as Error).message}`, { cause: error })
  }
}

const given = process.env['MALTSTER_SEED']

it('random trees do what the rules say, event by event', { timeout: 60_000 + seedCount * 100 }, async () => {
  const tally = new Map<string, number>()
  if (given !== undefined) return check(Number(given), tally)
  for (let seed = 1; seed <= seedCount; seed++) {
    check(seed, tally)
    // Promises of calls that were made have their turn.
    if (seed % 50 === 0) await new Promise(setImmediate)
  }
  console.log(
    Array.from(tally)
      .map(([what, count]) => `${what}: ${count}`)
      .toSorted((a, b) => a.localeCompare(b))
      .join('\n'),
  )
  for (const what of [
    'deaths at once: 3',
    'died while booting',
    'died while ending',
    'ended: escalated',
    'ended: normal',
    'ended: boot',
    'ended: shutdown',
    'child added while starting',
    'terminated while delayed',
  ]) {
    expect(tally.get(what) ?? 0, what).toBeGreaterThan(seedCount / 125)
  }
})
