import { acceptRendezvous } from '../transport/rendezvous/child.ts'
import type { ConnectOffer } from '../transport/rendezvous/offer.ts'
import type { Transport } from '../transport/transport.ts'

/** Opens the data lane where the host offers it. A worker that can't is no worker: it says why, and ends. */
export function connectLane(offer: ConnectOffer): Transport {
  return acceptRendezvous(offer, (error) => {
    process.stderr.write(`${error.message}\n`, () => process.exit(1))
  })
}
