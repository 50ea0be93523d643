import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const daemonPaths = ['/usr/sbin/sshd', '/usr/local/sbin/sshd']
const keyTool = 'ssh-keygen'
const deathGuard = 'setpriv'
const daemon = daemonPaths.find((path) => existsSync(path))

/** Why there can be no ssh server here, if there can't. */
export const sshObstacle = daemon === undefined ? 'sshd is not installed' : undefined

/** An ssh server of this test, on loopback, with keys of its own. */
export interface LocalSshd {
  /** The command that logs in there, without the command to run. */
  readonly prefix: readonly string[]
  /** The same to a port where nobody listens. */
  readonly wrongPrefix: readonly string[]
  stop(): Promise<void>
}

export async function startSshd(): Promise<LocalSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'sshd-'))
  const file = (name: string): string => join(folder, name)
  for (const name of ['host_key', 'key']) {
    execFileSync(keyTool, ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)])
  }
  chmodSync(folder, 0o700)
  const [port, wrongPort] = [await freePort(), await freePort()]
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${file('host_key')}`,
    `AuthorizedKeysFile ${file('key.pub')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin yes',
  ]
  writeFileSync(file('config'), `${lines.join('\n')}\n`)
  // Where sshd separates its privileges; the system's own service would make it.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const line = ['--pdeathsig', 'TERM', '--', daemon!, '-D', '-e', '-f', file('config')]
  // It ends with the test, also if that is killed.
  const server = spawn(deathGuard, line, { stdio: ['ignore', 'ignore', 'pipe'] })
  await listening(server)
  const settings = [
    'BatchMode=yes',
    'LogLevel=ERROR',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
  ]
  const flags = ['-F', '/dev/null', '-i', file('key'), ...settings.flatMap((setting) => ['-o', setting])]
  const target = `${userInfo().username}@127.0.0.1`
  const prefixTo = (to: number): readonly string[] => ['ssh', ...flags, '-p', `${to}`, target]
  return {
    prefix: prefixTo(port),
    wrongPrefix: prefixTo(wrongPort),
    async stop() {
      const exited = once(server, 'exit')
      server.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}

async function listening(server: ChildProcess): Promise<void> {
  const said: string[] = []
  for await (const line of createInterface(server.stderr!)) {
    said.push(line)
    if (line.includes('Server listening')) {
      server.stderr!.resume()
      return
    }
  }
  throw new Error(`sshd did not start: ${said.join('\n')}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
