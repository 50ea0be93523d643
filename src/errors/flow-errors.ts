import { brand, MaltsterError } from './maltster-error.ts'

/**
 * The channel is closed: by `close()`, and nothing is left in it; or with its worker, and then `cause` is the
 * `WorkerDiedError` or `WorkerStoppedError` of that.
 */
export class ChannelClosedError extends MaltsterError {}
brand(ChannelClosedError, 'ERR_MALTSTER_CHANNEL_CLOSED')

/** There is no value in the channel now. Nobody sees it but channels, also those of another copy of this package. */
export class ChannelEmptyError extends MaltsterError {}
brand(ChannelEmptyError, 'ERR_MALTSTER_CHANNEL_EMPTY')

/**
 * What was asked for has been let go over there: a callback whose call has settled, a `proxy` or reference that was
 * disposed, or one of a worker that has ended since; then `cause` is the error of that.
 */
export class ReleasedError extends MaltsterError {}
brand(ReleasedError, 'ERR_MALTSTER_RELEASED')
