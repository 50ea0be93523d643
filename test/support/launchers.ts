import { execFileSync } from 'node:child_process'
import type { CommandOptions } from '../../src/transport/public.ts'
import { type LocalSshd, sshObstacle, startSshd } from './local-sshd.ts'
import { processState } from './processes.ts'

const isRoot = process.getuid?.() === 0

/** One way through another program. */
export interface LauncherWay {
  readonly name: string
  readonly prefix: () => readonly string[]
  readonly options: CommandOptions
  /** Why it can't be tried here, if it can't. */
  readonly obstacle: string | undefined
}

const networkTool = 'ip'
const networkNamespace = `maltster-${process.pid}`
let sshd: LocalSshd | undefined

/** The ssh server that `prepareLaunchers` has started. */
export function theSshd(): LocalSshd {
  return sshd!
}

export async function prepareLaunchers(): Promise<void> {
  if (isRoot) {
    removeStale()
    execFileSync(networkTool, ['netns', 'add', networkNamespace])
  }
  if (sshObstacle === undefined) sshd = await startSshd()
}

/** A run that was killed could not clean up after itself. */
function removeStale(): void {
  const listed = execFileSync(networkTool, ['netns', 'list'], { encoding: 'utf8' })
  for (const [name, pid] of listed.matchAll(/^maltster-(\d+)/gm)) {
    if (processState(Number(pid)) === 'gone') execFileSync(networkTool, ['netns', 'delete', name])
  }
}

export async function removeLaunchers(): Promise<void> {
  if (isRoot) execFileSync(networkTool, ['netns', 'delete', networkNamespace])
  await sshd?.stop()
}

const needsRoot = isRoot ? undefined : 'needs root'
const way = (
  name: string,
  prefix: () => readonly string[],
  options: CommandOptions,
  obstacle?: string,
): LauncherWay => ({ name: `${name}, lanes: ${options.lanes ?? 'relay'}`, prefix, options, obstacle })

const setpriv = (): string[] => ['setpriv', '--no-new-privs']
const mount = (): string[] => ['unshare', '--mount']
const pidNamespace = (): string[] => ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const network = (): string[] => ['ip', 'netns', 'exec', networkNamespace]
/** A shell that stays, and reports a signal as 128 + n. */
const shell = (): string[] => ['/bin/sh', '-c', '"$@"; exit $?', 'sh']

export const launcherWays: readonly LauncherWay[] = [
  way('setpriv', setpriv, {}),
  way('setpriv', setpriv, { lanes: 'inherit' }),
  way('unshare --mount', mount, {}, needsRoot),
  way('unshare --mount', mount, { lanes: 'inherit' }, needsRoot),
  way('unshare --pid --fork', pidNamespace, {}, needsRoot),
  way('ip netns exec', network, {}, needsRoot),
  way('ip netns exec', network, { lanes: 'inherit' }, needsRoot),
  way('a shell that forks', shell, {}),
  way('a shell that forks', shell, { lanes: 'inherit' }),
  way('a shell that is given a line', () => ['/bin/sh', '-c'], { shell: true }),
  way('ssh', () => theSshd().prefix, {}, sshObstacle),
]

for (const { name, obstacle } of launcherWays) {
  if (obstacle !== undefined) console.warn(`launchers: ${name} is not tried here: ${obstacle}`)
}
