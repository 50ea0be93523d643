import { get } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import { InterruptedError, type Worker } from 'maltster'
import { expect, onTestFinished, test } from 'vitest'
import { DebuggerClient } from '../support/debugger-client.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection } from './workers.ts'

useLeakCheck()

async function attached(worker: Worker, ...domains: string[]): Promise<DebuggerClient> {
  const client = await DebuggerClient.attach(worker.debugUrl!)
  onTestFinished(() => client.destroy())
  for (const domain of domains) client.send(`${domain}.enable`)
  return client
}

function expectListening(debugUrl: string, is: boolean): Promise<void> {
  const { hostname, port } = new URL(debugUrl)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    const settle = (isListening: boolean): void => {
      socket.destroy()
      if (isListening === is) resolve()
      else reject(new Error(`expected the port ${is ? 'open' : 'closed'}`))
    }
    socket.on('connect', () => settle(true))
    socket.on('error', () => settle(false))
  })
}

test('debug: the worker has an inspector on loopback, whose URL only its owner is told', async () => {
  await using worker = await quietWorker({ debug: true })
  const debugUrl = worker.debugUrl!
  expect(debugUrl).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/)
  await expectListening(debugUrl, true)
  const { host } = new URL(debugUrl)
  const [answer] = await once(get(`http://${host}/json/list`, { agent: false }), 'response')
  answer.resume()
  expect(answer.statusCode).toBe(404)
  await expectUsable(worker)
  expect(await worker.stop()).toMatchObject({ type: 'shutdown', exitCode: 0 })
  await expectListening(debugUrl, false)
})

test('without debug there is none', async () => {
  await using worker = await quietWorker()
  expect(worker.debugUrl).toBe(undefined)
  expect(await worker.call(() => process.getBuiltinModule('node:inspector').url() === undefined)).toBe(true)
})

test.each([[['Runtime']], [['Runtime', 'Debugger']]])(
  'a loop is cut off while a debugger is attached (%j)',
  async (domains) => {
    await using worker = await quietWorker({ debug: true })
    await attached(worker, ...domains)
    for (let round = 0; round < 5; round++) {
      const spinning = rejection(
        worker.call(() => {
          for (;;);
        }),
        InterruptedError,
      )
      await worker.interrupt()
      await spinning
    }
    await expectUsable(worker)
  },
)

test.each(['stop', 'exit', 'throw'])(
  'a worker with a debugger attached does not wait for it at its end (%s)',
  async (ending) => {
    await using worker = await quietWorker({ debug: true })
    await attached(worker, 'Runtime', 'Debugger')
    await expectUsable(worker)
    if (ending === 'stop') void worker.stop()
    else if (ending === 'exit') worker.cast(() => process.exit(3))
    else {
      worker.cast(() => {
        setImmediate(() => {
          throw new Error('uncaught')
        })
      })
    }
    const reason = await worker.exited
    expect(reason).toMatchObject(
      ending === 'stop'
        ? { type: 'shutdown', exitCode: 0 }
        : { type: 'exit', exitCode: ending === 'exit' ? 3 : 1 },
    )
    expect(reason.stderrTail).not.toContain('Waiting for the debugger')
  },
)
