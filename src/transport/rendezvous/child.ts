import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { AuthenticationError } from '../../errors/worker-errors.ts'
import { DeferredTransport } from '../deferred-transport.ts'
import type { Transport } from '../transport.ts'
import { answer, isProof, makeNonce, makeProof, messageBytes, readGreeting } from './handshake.ts'
import { type ConnectOffer, offerKey } from './offer.ts'
import { Prelude } from './prelude.ts'
import { monotonicMs } from '../monotonic.ts'

// Taken before user code can replace them.
const { clearTimeout, setTimeout } = globalThis

const defaultLimitMs = 20_000

/** The host waits less for a proof, so that it is the one who gives up. */
const defaultAttemptMs = 5000

/** A host that reads our proof and hangs up, time and again, does not know this worker. A flooded one may do it once. */
const maxRefusals = 8

const firstDelayMs = 5
const maxDelayMs = 500

/** What a host that is flooded, or slow to listen, does to us. Anything else won't get better by waiting. */
const passingCodes = new Set([
  'EAGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
])

/** How a worker connects to its host. */
export interface AcceptOptions {
  /** How long it tries, in milliseconds. Default 20000. */
  readonly limitMs?: number
  /** How long one attempt may take, in milliseconds. Default 5000. */
  readonly attemptMs?: number
}

/**
 * The worker's end of a rendezvous: a lane that can be used at once. Connects, proves that it knows the secret, has
 * the host prove the same, and tries again as long as that fails for a passing reason.
 *
 * All of it happens before any user code runs, so that nothing here can be cut off half-way.
 * @param onFailed - called once if it can't be done; the lane is closed with the same error
 * @throws {TypeError} if the secret of the offer has the wrong length
 */
export function acceptRendezvous(
  offer: ConnectOffer,
  onFailed: (error: Error) => void,
  options: AcceptOptions = {},
): Transport {
  return new Connector(offer, onFailed, options).lane
}

class Connector {
  readonly lane: DeferredTransport
  readonly #offer: ConnectOffer
  readonly #key: Buffer
  readonly #onFailed: (error: Error) => void
  readonly #limitMs: number
  readonly #attemptMs: number
  readonly #startedAtMs = monotonicMs()
  #delayMs = firstDelayMs
  #timer: NodeJS.Timeout | undefined
  /** Ends the attempt under way. */
  #destroyCurrent: () => void = () => {}
  #attempts = 0
  #refusals = 0
  #isOver = false

  constructor(offer: ConnectOffer, onFailed: (error: Error) => void, options: AcceptOptions) {
    this.#offer = offer
    this.#key = offerKey(offer)
    this.#onFailed = onFailed
    this.#limitMs = options.limitMs ?? defaultLimitMs
    this.#attemptMs = options.attemptMs ?? defaultAttemptMs
    this.lane = new DeferredTransport(offer.network, () => this.#finish())
    this.#attempt()
  }

  #attempt(): void {
    this.#attempts++
    // What an attempt still says after its end is not listened to.
    let isEnded = false
    const retry = (why: string, cause?: Error): void => {
      if (isEnded) return
      isEnded = true
      this.#retry(why, cause)
    }
    const { address } = this.#offer
    const place: NetConnectOpts =
      'path' in address ? { path: address.path } : { ...address, noDelay: true, autoSelectFamily: false }
    let socket: Socket
    try {
      socket = connect(place)
    } catch (error) {
      this.#fail(this.#cannotConnect('the address can not be used', error as Error))
      return
    }
    this.#destroyCurrent = () => socket.destroy()
    this.#timer = setTimeout(() => retry('there was no answer'), this.#attemptMs).unref()
    socket.unref()
    socket.on('error', (error) => retry('the connection failed', error))
    socket.once('connect', () => {
      if (!isEnded && !this.#isOver) this.#shakeHands(socket, retry)
    })
  }

  #shakeHands(socket: Socket, retry: (why: string, cause?: Error) => void): void {
    const { network, identity } = this.#offer
    let hasProved = false
    const prelude = new Prelude(network, socket, (error) => {
      if (hasProved && error === undefined) this.#refusals++
      retry('the host closed the connection', error)
    })
    this.#destroyCurrent = () => prelude.destroy()
    prelude.expect(messageBytes.greeting, (message) => {
      const hostNonce = readGreeting(message)
      if (hostNonce === undefined) {
        this.#fail(
          new AuthenticationError('What listens at the address of the host is not a host of this version'),
        )
        return
      }
      const workerNonce = makeNonce()
      const topic = { hostNonce, workerNonce, identity }
      prelude.write(answer(workerNonce, makeProof(this.#key, { ...topic, role: 'worker' })))
      hasProved = true
      prelude.expect(messageBytes.proof, (proof) => {
        if (isProof(proof, this.#key, { ...topic, role: 'host' })) {
          this.#destroyCurrent = () => {}
          this.#finish()
          prelude.handOver(this.lane)
        } else this.#fail(new AuthenticationError('The host gave a wrong proof of the secret'))
      })
    })
  }

  #retry(why: string, cause: Error | undefined): void {
    if (this.#isOver) return
    const code = cause !== undefined && 'code' in cause ? String(cause.code) : undefined
    this.#endAttempt()
    if (this.#refusals >= maxRefusals) {
      this.#fail(
        new AuthenticationError(`The host did not take the proof of the worker ${this.#offer.identity}`),
      )
      return
    }
    const isLate = monotonicMs() - this.#startedAtMs + this.#delayMs > this.#limitMs
    if (isLate || (cause !== undefined && !passingCodes.has(code ?? ''))) {
      this.#fail(this.#cannotConnect(why, cause))
      return
    }
    this.#timer = setTimeout(() => this.#attempt(), this.#delayMs).unref()
    this.#delayMs = Math.min(this.#delayMs * 2, maxDelayMs)
  }

  #cannotConnect(why: string, cause: Error | undefined): Error {
    const { network, identity } = this.#offer
    const detail = cause === undefined ? '' : `: ${cause.message}`
    const message = `The worker ${identity} can't reach its host over ${network}, attempt ${this.#attempts}: ${why}${detail}`
    return new Error(message, { cause })
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#finish()
    this.lane.fail(error)
    this.#onFailed(error)
  }

  #finish(): void {
    this.#isOver = true
    this.#endAttempt()
    this.#key.fill(0)
  }

  #endAttempt(): void {
    clearTimeout(this.#timer)
    const destroy = this.#destroyCurrent
    this.#destroyCurrent = () => {}
    destroy()
  }
}
