import PQueue, { type Queue, type QueueAddOptions } from 'p-queue'

import type { Waiting } from './line.ts'
import type { WaitingRoom } from './waiting-room.ts'

type Run = () => Promise<unknown>

/** Something that waits for its turn, and what p-queue runs then. */
export interface Turn extends Waiting {
  priority: number
  run: Run | undefined
}

interface TurnOptions<T> extends QueueAddOptions {
  readonly turn: T
}

/** A queue class for p-queue over a waiting room: it counts only those for whom a place is free. */
function queueOf<T extends Turn>(room: WaitingRoom<T>): new () => Queue<Run, TurnOptions<T>> {
  return class {
    get size(): number {
      return room.hasTurn ? 1 : 0
    }

    enqueue(run: Run, options?: Partial<TurnOptions<T>>): void {
      const turn = options!.turn!
      turn.run = run
      room.add(turn)
    }

    dequeue(): Run | undefined {
      return room.take()?.run
    }

    filter({ priority }: Readonly<Partial<TurnOptions<T>>>): Run[] {
      return room.all().flatMap((turn) => (turn.priority === priority ? [turn.run!] : []))
    }

    setPriority(id: string, priority: number): void {
      for (const turn of room.all()) {
        if (String(turn.seq) !== id || !room.remove(turn)) continue
        turn.priority = priority
        room.add(turn)
      }
    }
  }
}

/** Who goes when: p-queue runs what waits, as far as there are places. */
export class Turns<T extends Turn> {
  readonly #queue: PQueue<Queue<Run, TurnOptions<T>>, TurnOptions<T>>

  constructor(room: WaitingRoom<T>) {
    this.#queue = new PQueue({ queueClass: queueOf(room) })
  }

  /** Lets `run` go when it is its turn, which may be at once. */
  add(turn: T, run: Run): void {
    void this.#queue.add(run, { turn, priority: turn.priority, id: String(turn.seq) })
  }

  get isPaused(): boolean {
    return this.#queue.isPaused
  }

  pause(): void {
    this.#queue.pause()
  }

  resume(): void {
    this.#queue.start()
  }

  /** Something has changed: as many as there are places for go. */
  look(): void {
    // How many go at once is for the waiting room to say; that it is set is what makes p-queue look again.
    this.#queue.concurrency = Infinity
  }
}
