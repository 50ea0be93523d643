import type { Channel } from '../../../src/movement/flow/channel.ts'
import { channelOf, Connection, type Observed } from '../../support/live-lanes.ts'

/** Where a channel is used: where its queue is, in two processes beside that, and in one behind the first of them. */
export const places = ['owner', 'left', 'right', 'behind'] as const
export type Place = (typeof places)[number]

/** The connections in between. */
export type Link = 'left' | 'right' | 'behind'

export type Command =
  | { readonly do: 'send' | 'receive' | 'tryReceive' | 'close'; readonly at: Place }
  /** Gives up the so-manieth receive, or send, that waits. */
  | { readonly do: 'abortReceive' | 'abortSend'; readonly which: number }
  /** Lets so many things happen on a connection. */
  | { readonly do: 'deliver'; readonly link: Link; readonly steps: number }
  | { readonly do: 'die'; readonly link: Link }

export interface Item {
  readonly from: Place
  readonly n: number
}

interface Wait {
  readonly at: Place
  readonly controller: AbortController
  outcome: 'waiting' | 'done' | 'failed' | 'empty'
}

interface Sending extends Wait {
  readonly item: Item
}

export const keyOf = ({ from, n }: Item): string => `${from}${n}`
const quiet = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** One channel in four processes, all in here; what happens when is up to the commands. */
export class ChannelWorld {
  readonly observed: Observed = { strays: 0, putBacks: [] }
  readonly links: Record<Link, Connection>
  readonly dead = new Set<Link>()
  readonly channels: Record<Place, Channel<Item>>
  readonly sends: Sending[] = []
  readonly receives: Wait[] = []
  readonly got: Record<Place, Item[]> = { owner: [], left: [], right: [], behind: [] }
  readonly #counts: Record<Place, number> = { owner: 0, left: 0, right: 0, behind: 0 }

  constructor(capacity: number) {
    const left = new Connection(this.observed)
    const right = new Connection(this.observed)
    const behind = new Connection(this.observed)
    this.links = { left, right, behind }
    const owner = channelOf<Item>(left, { capacity })
    const leftEnd = left.pass(owner)
    this.channels = { owner, left: leftEnd, right: right.pass(owner), behind: behind.pass(leftEnd) }
  }

  run(command: Command): void {
    switch (command.do) {
      case 'send':
        return this.#send(command.at)
      case 'receive':
      case 'tryReceive':
        return this.#receive(command.at, command.do)
      case 'close':
        return this.channels[command.at].close()
      case 'abortReceive':
        return abort(this.receives, command.which)
      case 'abortSend':
        return abort(this.sends, command.which)
      case 'deliver':
        for (let i = 0; i < command.steps; i++) this.links[command.link].tasks.runOne()
        return
      case 'die':
        this.dead.add(command.link)
        this.links[command.link].break(new Error(`${command.link} is dead`))
    }
  }

  #send(at: Place): void {
    const item: Item = { from: at, n: this.#counts[at]++ }
    const wait: Sending = { at, item, controller: new AbortController(), outcome: 'waiting' }
    this.sends.push(wait)
    this.channels[at].send(item, { signal: wait.controller.signal }).then(
      () => void (wait.outcome = 'done'),
      () => void (wait.outcome = 'failed'),
    )
  }

  #receive(at: Place, how: 'receive' | 'tryReceive'): void {
    const wait: Wait = { at, controller: new AbortController(), outcome: 'waiting' }
    this.receives.push(wait)
    const channel = this.channels[at]
    const { signal } = wait.controller
    // Of equal length, so that what came first is noted first.
    const received =
      how === 'receive'
        ? channel.receive({ signal }).then((value) => ({ value }))
        : channel.tryReceive().then((found) => found)
    received.then(
      (found) => {
        wait.outcome = found === undefined ? 'empty' : 'done'
        if (found !== undefined) this.got[at].push(found.value)
      },
      () => void (wait.outcome = 'failed'),
    )
  }

  /** Lets everything happen that can. */
  async settle(): Promise<void> {
    for (;;) {
      await quiet()
      const links = Object.values(this.links)
      if (links.every(({ tasks }) => tasks.length === 0)) return
      for (const { tasks } of links) tasks.runAll()
    }
  }

  /** Everybody gives up receiving, and the owner takes out what is left. */
  async drain(): Promise<Item[]> {
    await this.settle()
    for (const { controller, outcome } of this.receives) if (outcome === 'waiting') controller.abort()
    await this.settle()
    const left: Item[] = []
    for (;;) {
      // Once it is closed the others are asked for what they may put back.
      const asked = this.channels.owner.tryReceive().catch(() => undefined)
      await this.settle()
      const found = await asked
      if (found === undefined) break
      left.push(found.value)
    }
    this.channels.owner.close()
    await this.settle()
    return left
  }

  /** Whether a place can still be reached from where the queue is. */
  isCutOff(at: Place): boolean {
    if (at === 'owner') return false
    return this.dead.has(at) || (at === 'behind' && this.dead.has('left'))
  }
}

function abort(waits: readonly Wait[], which: number): void {
  const waiting = waits.filter(({ outcome }) => outcome === 'waiting')
  waiting[which % Math.max(waiting.length, 1)]?.controller.abort()
}
