import { checksum, makeBlock, markBlock } from './block.mjs'
import { kinds, RawLink } from './raw-link.mjs'

/** @type {Uint8Array | undefined} */
let block
const noBytes = Buffer.alloc(0)

const link = new RawLink({ fd: 3 }, (id, kind, aux, body) => {
  if (kind === kinds.echo) link.send(id, kind, aux, body)
  else if (kind === kinds.take) link.send(id, kind, checksum(body), noBytes)
  else link.send(id, kind, 0, markBlock((block ??= makeBlock(aux)), body[0] ?? 0))
})
