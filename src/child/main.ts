import { relayArgument } from '../transport/relay/relay-messages.ts'
import { startRelay } from './relay.ts'
import { startWorker } from './worker-main.ts'

/** The entry of the bundled child file: a worker, or the relay of a launcher in front of one. */

if (process.argv[2] === relayArgument) startRelay()
else startWorker()
