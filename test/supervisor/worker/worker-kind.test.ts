import { BootTimeoutError, RemoteError, SpawnError } from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { until } from '../../scenarios/workers.ts'
import { OnePlace } from './one-place.ts'

useLeakCheck()

const initModule = new URL('../../fixtures/worker/init.mjs', import.meta.url)

describe('a worker in the tree', () => {
  test('counts as started when preload and init are done, in that order, on every incarnation', async () => {
    await using place = await new OnePlace(
      { preload: [{ source: 'globalThis.steps = ["preload"]' }] },
      { init: { module: initModule, export: 'addStep', args: ['init'] } },
    ).up()
    expect(place.told).toEqual(['ready'])
    expect(await place.handle.evaluate('steps')).toEqual(['preload', 'init'])
    place.handle.kill()
    await place.gone()
    await place.up()
    expect(await place.handle.evaluate('steps')).toEqual(['preload', 'init'])
  })

  test('calls wait until init is done', async () => {
    const init = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      Object.assign(globalThis, { isPrepared: true })
    }
    await using place = new OnePlace({}, { init })
    const call = place.handle.evaluate('globalThis.isPrepared')
    place.start()
    expect(await call).toBe(true)
  })

  test('5: init may skip: the process ends, and nothing has failed', async () => {
    await using place = await new OnePlace({}, { init: () => 'skip' }).up()
    expect(await place.gone()).toMatchObject({ type: 'shutdown' })
    expect(place.told).toEqual(['skipped', 'exited'])
  })

  test.each([
    [
      'throws',
      (): never => {
        throw new Error('no model')
      },
      /its `init` failed: no model/,
    ],
    ['exits', (): never => process.exit(3), /its `init` failed: .*exit code 3/],
    ['kills itself', (): void => void process.kill(process.pid, 'SIGKILL'), /its `init` failed: .*SIGKILL/],
  ])('an init that %s is a failed start', async (_, init, message) => {
    await using place = await new OnePlace({}, { init }).up()
    expect(place.told).toEqual(['failed', 'exited'])
    const [error] = place.errors
    expect(error).toBeInstanceOf(SpawnError)
    expect(error?.message).toMatch(message)
    expect(error).toMatchObject({ worker: 'app/parser', reason: place.exits[0] })
  })

  test('an init that does not end is a failed start after bootTimeoutMs', async () => {
    const init = (): never => {
      for (;;);
    }
    await using place = await new OnePlace({ bootTimeoutMs: 1500 }, { init }).up()
    expect(place.told).toEqual(['failed', 'exited'])
    expect(place.errors[0]).toMatchObject({ code: 'ERR_MALTSTER_SPAWN', cause: { timeoutMs: 1500 } })
  })

  test('what a step of preload throws is the cause', async () => {
    await using place = await new OnePlace({ preload: [{ source: 'throw new Error("no disk")' }] }).up()
    expect(place.told).toEqual(['failed', 'exited'])
    expect(place.errors[0]).toBeInstanceOf(SpawnError)
    expect(place.errors[0]?.cause).toBeInstanceOf(RemoteError)
    expect(place.exits[0]).toMatchObject({ type: 'boot' })
  })

  test('3: a program that is not there: told a moment later, and nothing is left', async () => {
    await using place = new OnePlace({ execPath: '/no/such/node' })
    place.start()
    expect(place.told).toEqual([])
    await place.gone()
    expect(place.told).toEqual(['failed', 'exited'])
    expect(place.errors[0]).toMatchObject({ code: 'ERR_MALTSTER_SPAWN', cause: { code: 'ENOENT' } })
    expect(place.exits[0]).toMatchObject({ type: 'boot', exitCode: null })
  })

  test('a boot that takes too long is killed', async () => {
    const runtimeEntry = new URL('../../fixtures/worker/silent.cjs', import.meta.url)
    await using place = await new OnePlace({ runtimeEntry, bootTimeoutMs: 300 }).up()
    expect(place.told).toEqual(['failed', 'exited'])
    expect(place.errors[0]).toBeInstanceOf(BootTimeoutError)
  })

  test('a stop in the midst of a boot, or of init, is no failure', async () => {
    const init = (): Promise<never> => new Promise(() => {})
    await using place = new OnePlace({}, { init })
    for (const wait of [
      () => true,
      () => place.handle.current === undefined && place.run?.pid !== undefined,
    ]) {
      place.start()
      await until('it is on its way', wait)
      place.run?.stop(2000)
      expect(await place.gone()).toMatchObject({ type: 'shutdown' })
      expect(place.told).toEqual(['exited'])
    }
  })

  test('43: with no time at all it is killed: not even its exit handler is asked', async () => {
    await using place = await new OnePlace().up()
    await place.handle.call(() => {
      process.on('SIGTERM', () => process.exit(7))
      process.on('exit', () => (process.exitCode = 8))
    })
    place.run?.stop(0)
    expect(await place.gone()).toMatchObject({ type: 'shutdown', signal: 'SIGKILL', exitCode: null })
  })

  test('42, 49: one that ignores everything ends when it is asked with no time left', async () => {
    await using place = await new OnePlace().up()
    await place.handle.call(() => {
      process.on('SIGTERM', () => {})
      process.on('exit', () => {
        for (;;);
      })
    })
    place.run?.stop(100)
    await until('it has got SIGTERM', () => {
      const value = place.kind.newest?.actor.getSnapshot().value
      return typeof value === 'object' && value.stopping === 'terminating'
    })
    place.run?.stop(0)
    expect(await place.gone()).toMatchObject({ type: 'shutdown', signal: 'SIGKILL' })
  })

  test('44: with all the time of the world its calls are waited for', async () => {
    await using place = await new OnePlace().up()
    const call = place.handle.call(() => new Promise((resolve) => setTimeout(() => resolve('done'), 1200)))
    place.run?.stop(Infinity)
    expect(await call).toBe('done')
    expect(await place.gone()).toMatchObject({ type: 'shutdown', exitCode: 0 })
  })

  test('wrong options and a wrong init are refused when it is made', () => {
    expect(() => new OnePlace({ cwdd: '.' } as never)).toThrow(/`cwd`\?/)
    expect(() => new OnePlace({}, { init: 7 as never })).toThrow(/`init`/)
    expect(() => new OnePlace({}, { init: { module: './x.mjs', export: 'y' } })).toThrow(TypeError)
    expect(() => new OnePlace({}, { init: { module: 'node:fs', export: 'y', args: 7 as never } })).toThrow(
      /args/,
    )
    expect(() => new OnePlace({ name: 'other' })).toThrow(/leave `name` out/)
  })
})
