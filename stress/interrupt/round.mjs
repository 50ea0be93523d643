import { setTimeout as delay } from 'node:timers/promises'

import { settled, within } from '../support/settled.mjs'
import { bump, companions, queued } from './patterns.mjs'

/** How long anything may take before it counts as never. */
const limitMs = 4000
/** How long the next call has to wait, at most, for what began to spin when its call had been ended. */
const stragglerMs = 300

export const triggers = /** @type {const} */ (['interrupt', 'timeout', 'abort', 'storm'])

/**
 * All choices of one round.
 * @typedef {object} Plan
 * @property {number} n
 * @property {import('./patterns.mjs').WayToHang} way
 * @property {typeof triggers[number]} trigger
 * @property {number} delayMs between the call and the trigger; 0 is in the same turn
 * @property {number} forMs how long a call lasts that ends by itself
 * @property {keyof typeof companions | undefined} companion
 * @property {boolean} companionFirst
 * @property {number} queued calls behind the one that hangs
 * @property {boolean} doubled a second interrupt, a little later
 * @property {boolean} nextAtOnce the next call is made in the turn of the trigger
 */

/** @typedef {import('../support/settled.mjs').Settled} Settled */
/** @typedef {import('maltster').InterruptResult} InterruptResult */

/**
 * All that was seen in one round. Undefined: it did not settle.
 * @typedef {object} Sight
 * @property {Settled | undefined} hang
 * @property {Settled | undefined} companion
 * @property {(Settled | undefined)[]} queued
 * @property {(InterruptResult | undefined)[]} interrupts
 * @property {Settled | undefined} next
 * @property {Settled | undefined} straggler the first attempt at the next call, ended by its own timeout
 * @property {boolean} isIdle
 * @property {number} latencyMs from the trigger to the answer of the next call
 */

/**
 * @param {import('../support/random.mjs').Random} random
 * @param {readonly import('./patterns.mjs').WayToHang[]} ways
 * @param {number} n
 * @returns {Plan}
 */
export function plan(random, ways, n) {
  const way = random.pick(ways)
  const companionNames = /** @type {(keyof typeof companions)[]} */ (Object.keys(companions))
  const delayMs = random.chance(0.2) ? 0 : random.chance(0.3) ? random.between(0, 4) : random.between(4, 30)
  const companion = random.chance(0.4) ? random.pick(companionNames) : undefined
  const isSimple = way.kind === 'spins' || way.kind === 'waits'
  return {
    n,
    way,
    trigger: random.chance(0.4) ? 'interrupt' : random.pick(triggers),
    delayMs,
    // The ladder asks for 8 ms before it cuts: so the end and the cut meet.
    forMs: delayMs + random.between(0, 16),
    companion,
    companionFirst: random.chance(0.5),
    queued: isSimple && random.chance(0.25) ? 1 + Math.floor(random.next() * 3) : 0,
    doubled: random.chance(0.15),
    nextAtOnce: isSimple && random.chance(0.3),
  }
}

/** @param {Plan} chosen */
export function describePlan(chosen) {
  const {
    way,
    trigger,
    delayMs,
    forMs,
    companion,
    companionFirst,
    queued: waiting,
    doubled,
    nextAtOnce,
  } = chosen
  const order = companion === undefined ? '' : ` companion=${companion}${companionFirst ? ' (first)' : ''}`
  const length = way.kind === 'ends' ? ` for=${forMs.toFixed(1)}` : ''
  const more = `${waiting > 0 ? ` queued=${waiting}` : ''}${doubled ? ' doubled' : ''}${nextAtOnce ? ' nextAtOnce' : ''}`
  return `${way.name} by ${trigger} after ${delayMs.toFixed(1)} ms${length}${order}${more}`
}

/**
 * Plays one round and says what was seen. Judges nothing.
 * @param {import('maltster').Worker} worker
 * @param {Plan} chosen
 * @returns {Promise<Sight>}
 */
export async function play(worker, chosen) {
  const { way, n, trigger, delayMs, nextAtOnce, doubled } = chosen
  const abort = new AbortController()
  const { hang, companion, waiting } = makeCalls(worker, chosen, abort.signal)
  /** @type {Promise<InterruptResult>[]} */
  const interrupts = []
  let triggeredMs = performance.now() + Math.max(1, delayMs)
  if (trigger === 'timeout') {
    await Promise.race([hang, delay(Math.max(1, delayMs))])
  } else {
    if (delayMs > 0) await delay(delayMs)
    triggeredMs = performance.now()
    if (trigger !== 'abort') interrupts.push(worker.interrupt())
    if (trigger !== 'interrupt') abort.abort(abortReason)
  }
  const early = nextAtOnce ? settled(worker.call(bump, [n])) : undefined
  if (doubled) {
    await delay(delayMs / 4)
    // Later calls would be ended by it, rightly.
    if (!nextAtOnce) interrupts.push(worker.interrupt())
  }
  const hangEnd = await within(hang, limitMs)
  const results = await Promise.all(interrupts.map((one) => within(one, limitMs)))
  const { next, straggler } = await callNext(worker, chosen, early)
  const latencyMs = performance.now() - triggeredMs
  const companionEnd = companion === undefined ? undefined : await awaitCompanion(worker, way.kind, companion)
  return {
    hang: hangEnd,
    companion: companionEnd,
    queued: await Promise.all(waiting.map((one) => within(one, limitMs))),
    interrupts: results,
    next,
    straggler,
    isIdle: (await within(settled(worker.whenIdle()), limitMs))?.ok === true,
    latencyMs,
  }
}

/**
 * @param {import('maltster').Worker} worker
 * @param {import('./patterns.mjs').Kind} kind
 * @param {Promise<Settled>} companion
 */
async function awaitCompanion(worker, kind, companion) {
  const end = await within(companion, kind === 'late' ? stragglerMs : limitMs)
  if (end !== undefined || kind !== 'late') return end
  // What began to spin only behind the next call is ended by one that gives up.
  await within(settled(worker.call(() => {}, [], { timeoutMs: stragglerMs })), limitMs)
  return within(companion, limitMs)
}

export const abortReason = new Error('aborted by the stress')

/**
 * @param {import('maltster').Worker} worker
 * @param {Plan} chosen
 * @param {AbortSignal} signal
 */
function makeCalls(worker, chosen, signal) {
  const { n, way, trigger, delayMs, forMs, companionFirst } = chosen
  const name = chosen.companion
  /** @type {((token: number) => unknown) | undefined} */
  const other = name === undefined ? undefined : companions[name]
  const beside = () =>
    other === undefined ? undefined : settled(worker.call(other, [n], { background: true }))
  let companion = companionFirst ? beside() : undefined
  const timeoutMs = Math.max(1, delayMs)
  const options =
    trigger === 'timeout'
      ? { timeoutMs }
      : trigger === 'abort'
        ? { signal }
        : trigger === 'storm'
          ? { timeoutMs, signal }
          : {}
  const callable = way.callable(n)
  const call =
    typeof callable === 'function'
      ? worker.call(callable, [forMs], options)
      : worker.call(callable, [forMs], options)
  const hang = settled(call)
  if (!companionFirst) companion = beside()
  const waiting = Array.from({ length: chosen.queued }, () => settled(worker.call(queued)))
  return { hang, companion, waiting }
}

/**
 * @param {import('maltster').Worker} worker
 * @param {Plan} chosen
 * @param {Promise<Settled> | undefined} early
 */
async function callNext(worker, { n, way }, early) {
  if (early !== undefined) return { next: await within(early, limitMs), straggler: undefined }
  if (way.kind !== 'late')
    return { next: await within(settled(worker.call(bump, [n])), limitMs), straggler: undefined }
  const first = await within(settled(worker.call(bump, [n], { timeoutMs: stragglerMs })), limitMs)
  if (first?.ok !== false || first.error?.name !== 'CallTimeoutError')
    return { next: first, straggler: undefined }
  return { next: await within(settled(worker.call(bump, [n])), limitMs), straggler: first }
}
