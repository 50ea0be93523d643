import { InterruptedError, RemoteError } from 'maltster'

import { brief } from '../support/settled.mjs'
import { abortReason } from './round.mjs'

/** @typedef {import('./round.mjs').Plan} Plan */
/** @typedef {import('./round.mjs').Sight} Sight */
/** @typedef {import('./round.mjs').Settled} Settled */

/** Companions that are not harmed by a cut, since they don't wait for anything. */
const unharmed = ['quick', 'spin']

/**
 * What was wrong in a round, a line each. `isStuck` says that the worker could not be freed, which is not wrong.
 * @param {Plan} plan
 * @param {Sight} sight
 * @param {number} countBefore
 * @returns {{ faults: string[], isStuck: boolean, count: number }}
 */
export function judge(plan, sight, countBefore) {
  const isStuck =
    sight.interrupts.some((result) => result?.outcome === 'stuck') ||
    (sight.next === undefined && sight.hang?.ok === false)
  const { count, faults } = judgeNext(sight, countBefore)
  const all = [
    ...judgeHang(plan, sight),
    ...judgeInterrupts(sight),
    ...judgeCompanion(plan, sight),
    ...sight.queued.flatMap((one) => judgeQueued(plan, one)),
    ...faults,
    ...(sight.isIdle ? [] : ['the worker did not become idle']),
  ]
  // A worker that is stuck can't answer; what it did answer has to be right all the same.
  const isSilence = (/** @type {string} */ fault) => /did not settle|did not become idle/.test(fault)
  return { faults: isStuck ? all.filter((fault) => !isSilence(fault)) : all, isStuck, count }
}

/**
 * @param {Plan} plan
 * @param {Sight} sight
 */
function judgeHang({ way, trigger, doubled }, { hang, interrupts }) {
  if (hang === undefined) return ['the call that hangs did not settle']
  if (hang.ok) {
    return way.kind === 'ends' && hang.value === 'ended'
      ? []
      : [`the call resolved with ${String(hang.value)}`]
  }
  const { error } = hang
  if (way.name === 'shortThrow' && error instanceof RemoteError && error.message === 'ended') return []
  const byInterrupt = trigger === 'interrupt' || trigger === 'storm' || doubled
  if (error instanceof InterruptedError && byInterrupt) {
    if (error.collateral) return ['the interrupted call itself says that it is collateral']
    const wasCut = trigger === 'interrupt' && interrupts[0]?.outcome === 'interrupted'
    const hasPlace = typeof error.at === 'string' && error.at !== ''
    return way.kind === 'spins' && wasCut && error.executed !== 'no' && !hasPlace
      ? ['`at` of the error is empty though code was cut off']
      : []
  }
  if (error === abortReason && (trigger === 'abort' || trigger === 'storm')) return []
  if (error?.name === 'CallTimeoutError' && (trigger === 'timeout' || trigger === 'storm')) return []
  return [`the call rejected with ${brief(error)}`]
}

/** @param {Sight} sight */
function judgeInterrupts({ interrupts, hang }) {
  return interrupts.flatMap((result, index) => {
    if (result === undefined) return ['interrupt() did not settle']
    const { outcome, at } = result
    if (outcome === 'killed') return ['interrupt() says that the worker was killed']
    if (outcome === 'interrupted' && (at === undefined || at === '')) return ['`at` of the result is empty']
    const hasEnded = hang?.error instanceof InterruptedError
    return index === 0 && outcome === 'idle' && hasEnded ? ['interrupt() says idle, and ended a call'] : []
  })
}

/**
 * @param {Plan} plan
 * @param {Sight} sight
 */
function judgeCompanion({ n, companion: name }, { companion }) {
  if (name === undefined) return []
  if (companion === undefined) return [`the background call ${name} did not settle`]
  const { ok, value, error } = companion
  if (ok) return value === n ? [] : [`the background call ${name} resolved with ${String(value)}`]
  const mayBeHarmed = !unharmed.includes(name)
  if (mayBeHarmed && error instanceof InterruptedError && error.collateral && error.executed === 'unknown')
    return []
  return [`the background call ${name} rejected with ${brief(error)}`]
}

/**
 * @param {Plan} plan
 * @param {Settled | undefined} one
 */
function judgeQueued({ trigger, doubled }, one) {
  if (one === undefined) return ['a call behind it did not settle']
  if (one.ok)
    return typeof one.value === 'number' ? [] : [`a call behind it resolved with ${String(one.value)}`]
  const byInterrupt = trigger === 'interrupt' || trigger === 'storm' || doubled
  if (byInterrupt && one.error instanceof InterruptedError && !one.error.collateral) return []
  return [`a call behind it rejected with ${brief(one.error)}`]
}

/**
 * @param {Sight} sight
 * @param {number} countBefore
 */
function judgeNext({ next, straggler, queued }, countBefore) {
  if (next === undefined) return { count: countBefore, faults: ['the next call did not settle'] }
  if (!next.ok) return { count: countBefore, faults: [`the next call rejected with ${brief(next.error)}`] }
  const { count, alarms } = /** @type {{ count: number, alarms: string[] }} */ (next.value)
  const mayHaveRun = (/** @type {Settled | undefined} */ one) =>
    one !== undefined && !one.ok && one.error?.executed !== 'no'
  const least = countBefore + queued.filter((one) => one?.ok).length + 1
  const most = least + [...queued, straggler].filter(mayHaveRun).length
  const faults = alarms.map((alarm) => `the process heard: ${alarm}`)
  const expected = least === most ? `${least}` : `${least} to ${most}`
  if (count < least || count > most) faults.push(`the counter is ${count} instead of ${expected}`)
  return { count, faults }
}
