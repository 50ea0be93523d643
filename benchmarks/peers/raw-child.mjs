import { checksum, makeBlock, markBlock } from './block.mjs'
import { kinds, RawLink } from './raw-link.mjs'

/** @type {Uint8Array | undefined} */
let block
const noBytes = Buffer.alloc(0)

/** So many bytes may wait here before the next block is sent. */
const highWaterBytes = 2 ** 20

const link = new RawLink({ fd: 3 }, (id, kind, aux, body) => {
  if (kind === kinds.echo) link.send(id, kind, aux, body)
  else if (kind === kinds.take) link.send(id, kind, checksum(body), noBytes)
  else if (kind === kinds.pour) void pour(id, aux, body.readUInt32LE())
  else link.send(id, kind, 0, markBlock((block ??= makeBlock(aux)), body[0] ?? 0))
})

/**
 * Sends one block again and again.
 * @param {number} id
 * @param {number} byteLength
 * @param {number} count
 */
async function pour(id, byteLength, count) {
  const poured = makeBlock(byteLength)
  for (let sent = 0; sent < count; sent++) {
    link.send(id, kinds.pour, 0, poured)
    if (link.pendingBytes >= highWaterBytes) await link.drained()
  }
}
