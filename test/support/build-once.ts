import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

/** Set for the reporter, which lives in this process too: what is in `dist` is not what is in `src`. */
export const buildFailedVariable = 'MALTSTER_BUILD_FAILED'

const askedVariable = 'MALTSTER_BUILD_ASKED'

/**
 * Before the tests: `dist` is made from `src`, unless it already is. Tests that start processes load the package
 * by its own name, from `dist`. A failed build makes the run red but lets the tests of sources speak.
 */
export default function buildOnce(): void {
  // Each project of the run asks for it.
  if (process.env[askedVariable] !== undefined) return
  process.env[askedVariable] = '1'
  const root = resolve(import.meta.dirname, '../..')
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs', '--if-stale'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status === 0) return
  process.env[buildFailedVariable] = '1'
  console.error(
    '\nThe build failed. Tests that load the package by its name run against an old dist, or none.\n',
  )
}
