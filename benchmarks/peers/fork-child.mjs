import { checksum, makeBlock, markBlock } from './block.mjs'

/** @type {Uint8Array | undefined} */
let block

/**
 * @param {string} kind
 * @param {any[]} args
 */
function run(kind, args) {
  if (kind === 'add') return args[0] + args[1]
  if (kind === 'take') return checksum(args[0])
  return markBlock((block ??= makeBlock(args[0])), args[1])
}

process.on('message', (/** @type {{ id: number, kind: string, args: any[] }} */ { id, kind, args }) => {
  process.send?.({ id, value: run(kind, args) })
})
