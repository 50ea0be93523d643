import { relayArgument } from '../transport/relay/relay-messages.ts'
import { loadBundledText } from './bundled-text.ts'
import { relaySource } from './relay-source.ts'
import { startWorker } from './worker-main.ts'

/** The entry of the bundled child file: a worker, or the relay of a launcher in front of one. */

if (process.argv[2] === relayArgument)
  loadBundledText<typeof import('./relay.ts')>(relaySource, __filename).startRelay()
else startWorker()
