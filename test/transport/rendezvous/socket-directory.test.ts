import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/transport/clock.ts'
import { systemRandom } from '../../../src/transport/random.ts'
import { offerRendezvous } from '../../../src/transport/rendezvous/host.ts'
import {
  checkPrivate,
  checkSocketBase,
  makeSocketDirectory,
  socketBase,
} from '../../../src/transport/rendezvous/socket-directory.ts'
import { prefixOf, sweepStaleDirectories } from '../../../src/transport/rendezvous/stale-directories.ts'
import { useLeakCheck } from '../../support/leak-check.ts'

useLeakCheck()

const isRoot = process.geteuid?.() === 0
const nobody = 65_534
// Else the temporary directory is not the one that is used.
delete process.env['XDG_RUNTIME_DIR']

let base: string
let lastBase = 0

beforeEach(() => {
  base = join(tmpdir(), `b${++lastBase}`)
  mkdirSync(base, { mode: 0o700 })
})

afterEach(() => {
  rmSync(base, { recursive: true, force: true })
})

describe('makeSocketDirectory()', () => {
  test('makes a fresh directory for this user alone, each time another, and removes it', () => {
    const [first, second] = [makeSocketDirectory(base), makeSocketDirectory(base)]
    const directory = dirname(first.socketPath)
    expect(dirname(second.socketPath)).not.toBe(directory)
    expect(dirname(directory)).toBe(base)
    expect(lstatSync(directory).mode & 0o777).toBe(0o700)
    writeFileSync(first.socketPath, '')
    first.remove()
    first.remove()
    expect(existsSync(directory)).toBe(false)
    second.remove()
    expect(readdirSync(base)).toEqual([])
  })

  test('its name tells whose it is', () => {
    const { socketPath, remove } = makeSocketDirectory(base)
    expect(basename(dirname(socketPath)).startsWith(prefixOf(process.pid))).toBe(true)
    remove()
  })

  test('refuses a path that is too long, and makes nothing', () => {
    const long = join(base, 'x'.repeat(70))
    mkdirSync(long)
    expect(() => checkSocketBase(long)).toThrow(RangeError)
    expect(() => makeSocketDirectory(long)).toThrow(RangeError)
    expect(() => makeSocketDirectory(long)).toThrow(
      /^The path of the socket, .*x{70}\/maltster-.*\/s, has 1\d\d bytes, and 103 .* set TMPDIR to a shorter directory/,
    )
    expect(readdirSync(long)).toEqual([])
  })

  test('counts bytes, not characters', () => {
    const long = join(base, 'é'.repeat(30))
    mkdirSync(long)
    expect(() => makeSocketDirectory(long)).toThrow(RangeError)
  })

  test('refuses where others could rename it', () => {
    chmodSync(base, 0o777)
    expect(() => makeSocketDirectory(base)).toThrow(
      `Refused to put a socket into ${base}: every user may rename`,
    )
    expect(readdirSync(base)).toEqual([])
    chmodSync(base, 0o1777)
    checkSocketBase(base)
    expect(readdirSync(base)).toEqual([])
    makeSocketDirectory(base).remove()
  })

  test('says so when the base is not there', () => {
    expect(() => makeSocketDirectory(join(base, 'gone'))).toThrow(/ENOENT.*gone/)
  })

  test('a rendezvous over uds begins with that, before anything else', () => {
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = join(base, 'x'.repeat(80))
    try {
      const options = { network: 'uds', identity: 'a#1', clock: systemClock, random: systemRandom } as const
      const fail = (): never => {
        throw new Error('unexpected')
      }
      expect(() => offerRendezvous({ ...options, onOffer: fail, onRefused: fail })).toThrow(/103/)
    } finally {
      process.env['TMPDIR'] = before
    }
  })
})

describe('checkPrivate()', () => {
  test('refuses a directory that others can enter, and names it', () => {
    const path = join(base, 'open')
    mkdirSync(path)
    chmodSync(path, 0o755)
    expect(() => checkPrivate(path)).toThrow(
      `Refused to put a socket into ${path}: it has mode 755 in place of 700`,
    )
  })

  test('refuses a link to a directory that would do', () => {
    const [path, link] = [join(base, 'real'), join(base, 'link')]
    mkdirSync(path, { mode: 0o700 })
    symlinkSync(path, link)
    checkPrivate(path)
    expect(() => checkPrivate(link)).toThrow(`${link}: it is a symbolic link`)
  })

  test('refuses a file', () => {
    writeFileSync(join(base, 'file'), '')
    expect(() => checkPrivate(join(base, 'file'))).toThrow('it is no directory')
  })

  test.runIf(isRoot)('refuses what another user owns', () => {
    chownSync(base, nobody, nobody)
    expect(() => checkPrivate(base)).toThrow(`it belongs to user ${nobody}, and this is user 0`)
  })
})

describe('socketBase()', () => {
  test("is the user's runtime directory, if that is private and really there", () => {
    expect(socketBase(base)).toBe(base)
    const link = `${base}-link`
    symlinkSync(base, link)
    expect(socketBase(link)).toBe(tmpdir())
    rmSync(link)
    chmodSync(base, 0o755)
    expect(socketBase(base)).toBe(tmpdir())
    expect(socketBase(join(base, 'gone'))).toBe(tmpdir())
    expect(socketBase('relative')).toBe(tmpdir())
    expect(socketBase('')).toBe(tmpdir())
  })

  test.runIf(isRoot)('is not one of another user', () => {
    chownSync(base, nobody, nobody)
    expect(socketBase(base)).toBe(tmpdir())
  })
})

describe('sweepStaleDirectories()', () => {
  function make(name: string): string {
    const path = join(base, name)
    mkdirSync(path, { mode: 0o700 })
    writeFileSync(join(path, 's'), '')
    return path
  }

  test('removes what a process left that has ended, also if its id is used again', () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    make(`${prefixOf(pid, 123)}aB3dEf`)
    make(`${prefixOf(process.pid, 123)}aB3dEf`)
    sweepStaleDirectories(base)
    expect(readdirSync(base)).toEqual([])
  })

  test('leaves what a process has that runs, what is of another container, and what is not ours', () => {
    const names = [
      `${prefixOf(process.pid)}aB3dEf`,
      `${prefixOf(1)}aB3dEf`,
      'maltster-zzzzz-1-1-aB3dEf',
      'maltster-0-1-1-aB3dEf',
      'maltster-aB3dEf',
      `other-${prefixOf(99_999_999, 1)}aB3dEf`,
      `${prefixOf(99_999_999, 1)}aB3dEf.old`,
    ]
    for (const name of names) make(name)
    sweepStaleDirectories(base)
    expect(readdirSync(base).toSorted()).toEqual(names.toSorted())
  })

  test('follows no link, neither one in the place of a directory nor one in it', () => {
    const treasure = make('treasure')
    symlinkSync(treasure, join(base, `${prefixOf(99_999_999, 1)}aB3dEf`))
    symlinkSync(treasure, join(make(`${prefixOf(99_999_999, 2)}aB3dEf`), 'link'))
    sweepStaleDirectories(base)
    expect(readdirSync(treasure)).toEqual(['s'])
    expect(readdirSync(base)).toHaveLength(2)
  })

  test.runIf(isRoot)('leaves what another user has', () => {
    const path = make(`${prefixOf(99_999_999, 1)}aB3dEf`)
    chownSync(path, nobody, nobody)
    sweepStaleDirectories(base)
    expect(statSync(path).uid).toBe(nobody)
  })

  test('a base that can not be read is nothing to sweep', () => {
    expect(() => sweepStaleDirectories(join(base, 'gone'))).not.toThrow()
  })

  test('happens when a base is first used', () => {
    make(`${prefixOf(99_999_999, 1)}aB3dEf`)
    makeSocketDirectory(base).remove()
    expect(readdirSync(base)).toEqual([])
  })
})
