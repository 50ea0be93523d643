import { once } from 'node:events'
import { connect, createServer, type Server, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { adoptSocket } from '../../src/transport/fixed-buffer-socket.ts'
import { descriptorTransport, socketTransport } from '../../src/transport/socket-transport.ts'
import { LaneEnd, patternHash } from '../support/far-end.ts'
import { useLeakCheck } from '../support/leak-check.ts'

/** A connection over TCP, the one kind whose ends can reset each other. */
async function connection(server: Server, allowHalfOpen = false): Promise<[Socket, Socket]> {
  const { port } = server.address() as { port: number }
  const accepting = once(server, 'connection') as Promise<[Socket]>
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen })
  await once(client, 'connect')
  return [(await accepting)[0], client]
}

describe.each([true, false])('socketTransport() with adoptHandle %s', (adoptHandle) => {
  useLeakCheck()
  let server: Server

  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(async () => {
    server.close()
    await once(server, 'close')
  })

  test('a reset is told as the error, once', async () => {
    const [accepted, client] = await connection(server)
    const near = new LaneEnd(socketTransport('tcp', accepted, { adoptHandle }))
    client.resetAndDestroy()
    expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: 'read ECONNRESET' })
    near.transport.destroy()
    expect((await near.report()).closedCount).toBe(1)
  })

  test('a reset before start is told after it', async () => {
    const [accepted, client] = await connection(server)
    const transport = socketTransport('tcp', accepted, { adoptHandle })
    client.resetAndDestroy()
    await once(client, 'close')
    const near = new LaneEnd(transport)
    expect((await near.hasClosed()).closedCount).toBe(1)
  })

  test('the end of one direction ends both', async () => {
    const [accepted, client] = await connection(server, true)
    const near = new LaneEnd(socketTransport('tcp', accepted, { adoptHandle }))
    client.end('last')
    client.resume()
    expect(await near.hasClosed()).toMatchObject({ receivedBytes: 4, closedCount: 1 })
    if (!client.closed) await once(client, 'close')
  })

  test('an error that the receiver throws is thrown on, and reading goes on in step', async () => {
    const [accepted, client] = await connection(server)
    const transport = socketTransport('tcp', accepted, { adoptHandle })
    const near = new LaneEnd(transport, false)
    const thrown: unknown[] = []
    const { setImmediate: later } = globalThis
    const spy = vi.spyOn(globalThis, 'setImmediate').mockImplementation((task) =>
      later(() => {
        try {
          task()
        } catch (error) {
          thrown.push(error)
        }
      }),
    )
    transport.start({
      target: () => near.target(),
      drained: () => {},
      closed: (error) => near.closed(error),
      received: (byteLength) => {
        near.received(byteLength)
        throw new Error('mine')
      },
    })
    const far = new LaneEnd(socketTransport('tcp', client))
    await far.send(300_000, 2)
    expect((await near.hasReceived(300_000)).sha256).toBe(patternHash([300_000, 2]))
    spy.mockRestore()
    expect(thrown.length).toBeGreaterThan(0)
    expect(new Set(thrown.map(String))).toEqual(new Set(['Error: mine']))
    near.transport.destroy()
    await far.hasClosed()
  })
})

describe('socketTransport()', () => {
  useLeakCheck()

  test('takes a socket that is still connecting', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepting = once(server, 'connection') as Promise<[Socket]>
    const near = new LaneEnd(socketTransport('tcp', connect(server.address() as { port: number })))
    void near.send(5000, 1)
    const far = new LaneEnd(socketTransport('tcp', (await accepting)[0]))
    expect((await far.hasReceived(5000)).sha256).toBe(patternHash([5000, 1]))
    near.transport.close()
    await far.hasClosed()
    server.close()
  })

  test('takes a socket that failed to connect, and tells why', async () => {
    const near = new LaneEnd(socketTransport('uds', connect('/nonexistent/maltster.sock')))
    expect((await near.hasClosed()).closedBy).toBe('connect ENOENT /nonexistent/maltster.sock')
  })

  test('adoptSocket() leaves a socket alone that has no handle, or has been used', async () => {
    const onread = { buffer: new Uint8Array(1), callback: () => true }
    const idle = new Socket()
    expect(adoptSocket(idle, onread)).toBeUndefined()
    idle.destroy()
    expect(adoptSocket(idle, onread)).toBeUndefined()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const [accepted, client] = await connection(server)
    client.write('x')
    await once(accepted, 'readable')
    expect(adoptSocket(accepted, onread)).toBeUndefined()
    const near = new LaneEnd(socketTransport('tcp', accepted))
    expect((await near.hasReceived(1)).receivedBytes).toBe(1)
    client.destroy()
    await near.hasClosed()
    server.close()
  })

  test('descriptorTransport() throws for a descriptor that is not open', () => {
    expect(() => descriptorTransport('pipe', 987_654)).toThrow('fd')
  })
})
