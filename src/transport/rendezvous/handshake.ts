// `node:crypto` costs milliseconds to load, and a worker on pipes never needs it: it is fetched by its first use.
const { getBuiltinModule } = process

/** What host and worker share, in bytes. */
export const secretBytes = 32

const nonceBytes = 32
const proofBytes = 32

/** First bytes of a greeting: what this is, and its version. */
const magic = Buffer.from('maltster')
const handshakeVersion = 1
magic[7] = handshakeVersion

/**
 * The three messages, each of a fixed length that is a multiple of 8, so that the frames behind stay aligned:
 *
 * 1. greeting, host to worker: magic with version, nonce of the host
 * 2. answer, worker to host: nonce of the worker, proof of the worker
 * 3. the proof of the host
 *
 * A proof is HMAC-SHA-256 by the secret over role, both nonces and the identity of the worker. The worker proves
 * first: a stranger learns nothing but a random number. Both nonces are fresh, so that nothing can be replayed.
 */
export const messageBytes = {
  greeting: magic.length + nonceBytes,
  answer: nonceBytes + proofBytes,
  proof: proofBytes,
} as const

/** What a proof is about. */
export interface ProofTopic {
  readonly role: 'worker' | 'host'
  readonly hostNonce: Uint8Array
  readonly workerNonce: Uint8Array
  readonly identity: string
}

/** A number that is used once. */
export function makeNonce(): Buffer {
  return crypto().randomBytes(nonceBytes)
}

export function greeting(hostNonce: Uint8Array): Buffer {
  return Buffer.concat([magic, hostNonce])
}

/** The nonce in a greeting, or `undefined` if this is none, or one of another version. */
export function readGreeting(bytes: Buffer): Buffer | undefined {
  const { length } = magic
  return bytes.subarray(0, length).equals(magic) ? Buffer.from(bytes.subarray(length)) : undefined
}

export function answer(workerNonce: Uint8Array, proof: Uint8Array): Buffer {
  return Buffer.concat([workerNonce, proof])
}

export function readAnswer(bytes: Buffer): { readonly workerNonce: Buffer; readonly proof: Buffer } {
  return { workerNonce: bytes.subarray(0, nonceBytes), proof: bytes.subarray(nonceBytes) }
}

export function makeProof(key: Uint8Array, topic: ProofTopic): Buffer {
  const { role, hostNonce, workerNonce, identity } = topic
  const hmac = crypto().createHmac('sha256', key)
  return hmac.update(role).update(hostNonce).update(workerNonce).update(identity).digest()
}

/** In constant time. */
export function isProof(bytes: Uint8Array, key: Uint8Array, topic: ProofTopic): boolean {
  return crypto().timingSafeEqual(bytes, makeProof(key, topic))
}

function crypto(): typeof import('node:crypto') {
  return getBuiltinModule('node:crypto')
}
