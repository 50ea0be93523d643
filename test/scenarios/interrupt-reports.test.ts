import { type Worker, WorkerDiedError } from 'maltster'
import { expect, test } from 'vitest'
import { boots, fakeWorker, type Script } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { rejection, startWorker } from './workers.ts'

useLeakCheck()

function liar(script: Script): Promise<Worker> {
  return startWorker(fakeWorker({ ...boots, ...script }))
}

test('F35: interrupt reports that are made up settle nothing they should not', async () => {
  await using worker = await liar({
    called: [
      {
        do: 'interrupted',
        lane: 'control',
        report: { interruptId: 99, outcome: 'interrupted', callIds: [1] },
      },
      { do: 'result', value: 'right' },
    ],
  })
  expect(await worker.call(() => 'right')).toBe('right')
})

test.each([
  ['no list', { callIds: null }],
  ['a list of lies', { callIds: [{}, null, 'x', 2 ** 53] }],
  ['an unknown outcome', { outcome: 'splendid' }],
  ['a getter’s worth of nothing', { callIds: 7, outcome: 7, at: 7 }],
])(
  'F35: an interrupt report with %s breaks the protocol or does nothing, and the interrupt ends',
  async (_what, report) => {
    await using worker = await liar({
      interrupted: [{ do: 'interrupted', lane: 'control', report }],
      stubborn: true,
    })
    const call = worker.call(() => 1)
    call.catch(() => {})
    const { outcome } = await worker.interrupt()
    expect(['idle', 'interrupted', 'detached', 'stuck', 'killed']).toContain(outcome)
    worker.kill()
    await rejection(call, Error)
  },
)

test('F35: an interrupt that the worker never answers ends as stuck, by the host’s own clock', async () => {
  await using worker = await startWorker({ ...fakeWorker(boots), interruptGraceMs: 300 })
  const call = worker.call(() => 1)
  call.catch(() => {})
  expect((await worker.interrupt()).outcome).toBe('stuck')
  worker.kill()
  await rejection(call, Error)
})

test('F35: with `onStuck: kill`, a worker that never answers an interrupt is killed', async () => {
  await using worker = await startWorker({ ...fakeWorker(boots), interruptGraceMs: 300, onStuck: 'kill' })
  const call = rejection(
    worker.call(() => 1),
    WorkerDiedError,
  )
  expect((await worker.interrupt()).outcome).toBe('killed')
  expect((await call).reason.type).toBe('unresponsive')
})
