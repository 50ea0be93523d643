import { secretBytes } from './handshake.ts'

/** How a rendezvous is reached: a unix socket, or loopback TCP. */
export type Network = 'uds' | 'tcp'

/** Where a listening socket is. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number }

/** What a worker has to know to connect to its host. It travels on an inherited descriptor and nowhere else. */
export interface ConnectOffer {
  readonly network: Network
  readonly address: SocketAddress
  /** base64url of 32 bytes. */
  readonly secret: string
  /** `path#incarnation` of the worker that is meant. */
  readonly identity: string
}

/**
 * An offer that can be printed: its secret is not enumerable, so that `util.inspect`, `JSON.stringify`, a copy by
 * spread and a structured clone leave it out. `offerBytes` is the way to send it.
 */
export function printableOffer({ network, address, identity, secret }: ConnectOffer): ConnectOffer {
  return Object.defineProperty({ network, address, identity }, 'secret', { value: secret }) as ConnectOffer
}

/** Body of the frame `connect`: JSON, with the secret. Zero it once it is written. */
export function offerBytes({ network, address, identity, secret }: ConnectOffer): Buffer {
  return Buffer.from(JSON.stringify({ network, address, identity, secret }))
}

/**
 * The secret of an offer as a key.
 * @throws {TypeError} if it is not 32 bytes in base64url
 */
export function offerKey(offer: ConnectOffer): Buffer {
  const key = Buffer.from(offer.secret, 'base64url')
  if (key.length !== secretBytes) {
    throw new TypeError(`Expected the secret of the offer to have ${secretBytes} bytes, it has ${key.length}`)
  }
  return key
}
