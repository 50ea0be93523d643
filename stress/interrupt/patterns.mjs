/* oxlint-disable no-empty, typescript/await-thenable */

import { asyncPatterns, endingPatterns, latePatterns, waitingPatterns } from './async-patterns.mjs'
import { escapes, nativeCalls, syncPatterns } from './sync-patterns.mjs'

/** @typedef {import('./sync-patterns.mjs').Kind} Kind */
/** @typedef {import('./sync-patterns.mjs').Pattern} Pattern */
/** @typedef {{ module: string, export: string }} ModuleReference */
/** @typedef {{ name: string, kind: Kind, callable: (n: number) => Pattern['hang'] | ModuleReference }} WayToHang */

/** Late: asynchronous hooks are on, as tracing tools have them, so that Node.js checks its stack of ids. */
const hookedTimer = () =>
  new Promise(() => {
    const { createHook } = process.getBuiltinModule('node:async_hooks')
    const nothing = () => {}
    const hook = createHook({ init: nothing, before: nothing, after: nothing, destroy: nothing }).enable()
    Object.assign(globalThis, { hook })
    setTimeout(() => {
      process.nextTick(() => {
        while (true) {}
      })
    }, 1)
  })

/** A module is loaded anew for each call: its function first runs from within a promise reaction. */
const modules = {
  moduleExport: 'export const hang=()=>{for(;;){}}',
  moduleAsync: 'export const hang=async()=>{await 0;for(;;){}}',
}

/**
 * @param {Kind} kind
 * @param {Record<string, Pattern['hang']>} patterns
 * @returns {WayToHang[]}
 */
const all = (kind, patterns) =>
  Object.entries(patterns).map(([name, hang]) => ({ name, kind, callable: () => hang }))

/** Every way to hang. */
export const waysToHang = [
  ...all('spins', syncPatterns),
  ...all('spins', asyncPatterns),
  ...all('late', { ...latePatterns, hookedTimer }),
  ...Object.entries(modules).map(([name, text]) => ({
    name,
    kind: /** @type {const} */ ('late'),
    callable: (/** @type {number} */ n) => ({ module: `data:text/javascript,${text}//${n}`, export: 'hang' }),
  })),
  ...all('waits', waitingPatterns),
  ...all('ends', endingPatterns),
]

/** Not in the mix: what can't be cut off, to be asked for by name. */
export const knownEscapes = [...all('spins', escapes), ...all('ends', nativeCalls)]

/**
 * What a worker has in its global object.
 * @typedef {object} World
 * @property {number} count has to survive every interrupt
 * @property {number} round
 * @property {(() => void)[]} gates
 * @property {{ disable(): void }} [hook]
 * @property {boolean} finallyRan
 * @property {string[]} alarms what the process's own listeners heard
 */

/** Prepares a worker: the counter, and witnesses of what must never happen. */
export const prepareWorker = () => {
  /** @type {string[]} */
  const alarms = []
  Object.assign(globalThis, { count: 0, round: 0, gates: [], finallyRan: false, alarms })
  process.on('uncaughtException', (error) => alarms.push(`uncaught ${error.stack}`))
  process.on('unhandledRejection', (error) => alarms.push(`unhandled ${String(error)}`))
  process.on('warning', (warning) => alarms.push(`warning ${warning.message}`))
}

/** The call that has to work after every interrupt. Opens what may still wait, and ends what may still run. */
export const bump = (/** @type {number} */ round) => {
  const world = /** @type {World} */ (/** @type {unknown} */ (globalThis))
  world.round = round
  for (const open of world.gates.splice(0)) open()
  world.hook?.disable()
  const alarms = world.alarms.splice(0)
  if (world.finallyRan) alarms.push('a finally block ran')
  world.finallyRan = false
  return { count: ++world.count, alarms }
}

/** Waits behind the call that hangs. */
export const queued = () => {
  const world = /** @type {{ count: number }} */ (/** @type {unknown} */ (globalThis))
  return ++world.count
}

/**
 * What runs beside the call that hangs, in the background, and has to settle.
 * @satisfies {Record<string, (token: number) => unknown>}
 */
export const companions = {
  quick: (/** @type {number} */ token) => token,
  timer: async (/** @type {number} */ token) => {
    await new Promise((resolve) => setTimeout(resolve, 25))
    return token
  },
  gate: async (/** @type {number} */ token) => {
    const world = /** @type {{ gates: (() => void)[] }} */ (/** @type {unknown} */ (globalThis))
    await new Promise((resolve) => world.gates.push(() => resolve(undefined)))
    return token
  },
  chain: async (/** @type {number} */ token) => {
    for (let at = 0; at < 300; at++) {
      await (at % 50 === 49 ? new Promise((resolve) => setImmediate(resolve)) : undefined)
    }
    return token
  },
  file: async (/** @type {number} */ token) => {
    await process.getBuiltinModule('node:fs').promises.stat('.')
    return token
  },
  spin: (/** @type {number} */ token) => {
    const end = performance.now() + 40
    while (performance.now() < end) {}
    return token
  },
  spinAfterAwait: async (/** @type {number} */ token) => {
    await undefined
    const end = performance.now() + 40
    while (performance.now() < end) {}
    return token
  },
}
