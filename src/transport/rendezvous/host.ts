import { createHash } from 'node:crypto'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { AuthenticationError } from '../../errors/worker-errors.ts'
import type { Clock } from '../clock.ts'
import { DeferredTransport } from '../deferred-transport.ts'
import type { Random } from '../random.ts'
import type { Transport } from '../transport.ts'
import { greeting, isProof, makeNonce, makeProof, messageBytes, readAnswer } from './handshake.ts'
import { type ConnectOffer, type Network, printableOffer, type SocketAddress } from './offer.ts'
import { Prelude } from './prelude.ts'
import { makeSocketDirectory, type SocketDirectory } from './socket-directory.ts'

const defaultDeadlineMs = 2000
const defaultMaxStrangers = 8

/** So many refusals are reported; whoever makes more doesn't get to fill a log. */
const maxReports = 16

/** Only processes of this machine. `localhost` could be another address, and none would be all of them. */
const loopback = '127.0.0.1'

/** What a rendezvous needs. */
export interface RendezvousOptions {
  readonly network: Network
  /** `path#incarnation` of the worker that is expected. */
  readonly identity: string
  readonly clock: Clock
  readonly random: Random
  /** The socket listens. To be sent by `offerBytes`, on a way that nobody else can read. */
  onOffer(offer: ConnectOffer): void
  /** Somebody connected who was not the worker, or the worker failed to; the rendezvous goes on. */
  onRefused(why: string): void
  /** How long a socket may take to prove what it is, in milliseconds. Default 2000. */
  readonly deadlineMs?: number
  /** Sockets that have not proved anything; one more, and the oldest is dropped. Default 8. */
  readonly maxStrangers?: number
}

/** A socket that waits for one worker. It never holds the event loop open. */
export interface Rendezvous {
  /** Usable at once. Becomes the worker's socket, and ends with an error if the socket can't listen. */
  readonly lane: Transport
  /** Set when somebody gave a wrong proof: most likely the worker, whose start can't succeed then. */
  readonly refused: AuthenticationError | undefined
  /** Ends the waiting, and the lane with it. Does nothing once the worker is there. Idempotent. */
  cancel(): void
}

/**
 * Listens on a fresh socket until the one worker has connected and proved that it knows the secret, and then no
 * longer. There is no limit to the waiting: who waits for the worker ends it with `cancel`.
 * @throws {RangeError} if the path of a unix socket would be too long; nothing was made then
 * @throws {Error} if there is no safe directory for a unix socket
 */
export function offerRendezvous(options: RendezvousOptions): Rendezvous {
  return new OpenRendezvous(options)
}

/** Somebody who connected and has not proved anything. */
interface Stranger {
  readonly prelude: Prelude
  readonly timer: unknown
}

class OpenRendezvous implements Rendezvous {
  readonly lane: DeferredTransport
  refused: AuthenticationError | undefined
  readonly #options: RendezvousOptions
  readonly #directory: SocketDirectory | undefined
  readonly #server: Server
  readonly #key: Buffer
  /** The oldest first. */
  readonly #strangers = new Set<Stranger>()
  #isListening = false
  #isOver = false
  #reports = 0

  constructor(options: RendezvousOptions) {
    const { network, random } = options
    this.#options = options
    this.#directory = network === 'uds' ? makeSocketDirectory() : undefined
    this.lane = new DeferredTransport(network, () => this.#finish())
    this.#key = createHash('sha256').update(random.token()).update(random.token()).digest()
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    this.#server = server
    server.on('error', (error) => this.#failed(error))
    server.on('listening', () => this.#listens())
    // Exclusive: in a worker of `node:cluster` the socket would otherwise be the primary's.
    const place =
      this.#directory === undefined ? { host: loopback, port: 0 } : { path: this.#directory.socketPath }
    server.listen({ ...place, exclusive: true })
    server.unref()
  }

  cancel(): void {
    if (this.#isOver) return
    this.#finish()
    this.lane.fail(undefined)
  }

  #listens(): void {
    // Closed while its address was looked up; not every Node.js lets go of it then.
    if (this.#isOver) {
      this.#server.close()
      return
    }
    this.#isListening = true
    const { network, identity } = this.#options
    const address: SocketAddress =
      this.#directory === undefined
        ? { host: loopback, port: (this.#server.address() as AddressInfo).port }
        : { path: this.#directory.socketPath }
    const secret = this.#key.toString('base64url')
    this.#options.onOffer(printableOffer({ network, address, identity, secret }))
  }

  #failed(error: Error): void {
    if (this.#isOver) return
    if (this.#isListening) {
      // One connection could not be accepted: too many descriptors are open, for instance.
      this.#report(`a connection failed: ${error.message}`)
      return
    }
    this.#finish()
    this.lane.fail(error)
  }

  #accept(socket: Socket): void {
    const {
      network,
      clock,
      deadlineMs = defaultDeadlineMs,
      maxStrangers = defaultMaxStrangers,
    } = this.#options
    const prelude = new Prelude(network, socket, (error) =>
      this.#drop(stranger, error === undefined ? 'it left without a proof' : `it broke: ${error.message}`),
    )
    if (this.#isOver) {
      prelude.destroy()
      return
    }
    const timer = clock.setIdleTimeout(
      () => this.#drop(stranger, `it gave no proof within ${deadlineMs} ms`),
      deadlineMs,
    )
    const stranger: Stranger = { prelude, timer }
    this.#strangers.add(stranger)
    const nonce = makeNonce()
    prelude.write(greeting(nonce))
    prelude.expect(messageBytes.answer, (answer) => this.#judge(stranger, nonce, answer))
    if (this.#strangers.size <= maxStrangers) return
    const [oldest] = this.#strangers
    this.#drop(oldest!, `more than ${maxStrangers} connections without a proof`)
  }

  #judge(stranger: Stranger, hostNonce: Buffer, answer: Buffer): void {
    if (!this.#strangers.has(stranger)) return
    const { identity } = this.#options
    const { workerNonce, proof } = readAnswer(answer)
    const topic = { hostNonce, workerNonce, identity }
    if (!isProof(proof, this.#key, { ...topic, role: 'worker' })) {
      const why = 'it gave a wrong proof'
      this.refused ??= new AuthenticationError(
        `A connection to the ${this.#options.network} socket of ${identity} was refused: ${why} of the secret`,
        { worker: identity.slice(0, identity.lastIndexOf('#')) },
      )
      this.#drop(stranger, why)
      return
    }
    this.#strangers.delete(stranger)
    this.#options.clock.clearTimeout(stranger.timer)
    stranger.prelude.write(makeProof(this.#key, { ...topic, role: 'host' }))
    this.#finish()
    stranger.prelude.handOver(this.lane)
  }

  #drop(stranger: Stranger, why: string): void {
    if (!this.#strangers.delete(stranger)) return
    this.#options.clock.clearTimeout(stranger.timer)
    stranger.prelude.destroy()
    this.#report(why)
  }

  #report(why: string): void {
    if (this.#reports >= maxReports) return
    this.#reports++
    this.#options.onRefused(this.#reports < maxReports ? why : `${why}; later ones are not reported`)
  }

  /** Nobody else is waited for: nothing listens, no file is left, and the secret is forgotten. */
  #finish(): void {
    this.#isOver = true
    this.#server.close()
    this.#directory?.remove()
    this.#key.fill(0)
    for (const { prelude, timer } of this.#strangers) {
      this.#options.clock.clearTimeout(timer)
      prelude.destroy()
    }
    this.#strangers.clear()
  }
}
