import { WorkerDiedError } from 'maltster'
import type { Launcher, Transport } from 'maltster/transport'
import { expect, test } from 'vitest'
import { localLauncher } from '../../dist/transport/launchers/local.js'
import { useLeakCheck } from '../support/leak-check.ts'
import { quiet } from './supervision.ts'
import { rejection, startWorker } from './workers.ts'

useLeakCheck()

/** Holds back what comes on a lane, and its end, until it is let go. */
function heldBack(lane: Transport): () => void {
  const held: (() => void)[] = []
  let isHeld = true
  const inTurn = (step: () => void): void => {
    if (isHeld) held.push(step)
    else step()
  }
  const start = lane.start.bind(lane)
  lane.start = (receiver) => {
    const buffer = Buffer.alloc(65_536)
    start({
      target: () => buffer,
      received(byteLength) {
        const bytes = Buffer.from(buffer.subarray(0, byteLength))
        inTurn(() => {
          for (const byte of bytes) {
            receiver.target()[0] = byte
            receiver.received(1)
          }
        })
      },
      drained: () => receiver.drained(),
      closed: (error) => inTurn(() => receiver.closed(error)),
    })
  }
  return () => {
    isHeld = false
    for (const step of held.splice(0)) step()
  }
}

/** Nothing orders the lanes: here the control lane comes behind the end of the process and of all else. */
const controlLast: Launcher = {
  kind: 'control last',
  isLocal: true,
  launch(request) {
    const launched = localLauncher.launch(request)
    const letGo = heldBack(launched.control)
    const { data, stdout, stderr } = launched
    let isDataOver = false
    const start = data.start.bind(data)
    data.start = (receiver) =>
      start({
        target: () => receiver.target(),
        received: (byteLength) => receiver.received(byteLength),
        drained: () => receiver.drained(),
        closed(error) {
          receiver.closed(error)
          isDataOver = true
        },
      })
    return {
      ...launched,
      onExit: (listener) =>
        launched.onExit((exit) => {
          const tell = (): void => {
            if (!isDataOver || !stdout.readableEnded || !stderr.readableEnded) setImmediate(tell)
            else {
              listener(exit)
              setImmediate(letGo)
            }
          }
          tell()
        }),
    }
  },
}

test('what a worker said last is the cause of its end, though it comes behind everything else', async () => {
  await using worker = await startWorker({ ...quiet, launcher: controlLast })
  const call = worker.call(async () => {
    setTimeout(() => {
      throw new RangeError('nobody catches this')
    }, 1)
    await new Promise(() => {})
  })
  const { reason } = await rejection(call, WorkerDiedError)
  expect(reason).toMatchObject({ exitCode: 1, cause: { name: 'RangeError', message: 'nobody catches this' } })
})
