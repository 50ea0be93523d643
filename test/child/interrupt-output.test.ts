import { InterruptedError } from 'maltster'
import { expect, test } from 'vitest'
import { expectUsable, quietWorker, rejection, until } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

/**
 * Each prints numbered lines without end. They are longer than what a pipe takes at once, so that the loop is all but always in a native
 * write, and met behind it: inside of Node.js.
 */
const ways: Record<string, () => unknown> = {
  'console.log': function prints() {
    const rest = '.'.repeat(300_000)
    for (let at = 0; ; at++) console.log(`${at};${rest}`)
  },
  'console.error after an await': async function prints() {
    const rest = '.'.repeat(300_000)
    await Promise.resolve()
    for (let at = 0; ; at++) console.error(`${at};${rest}`)
  },
  'process.stdout.write': function prints() {
    const rest = '.'.repeat(300_000)
    for (let at = 0; ; at++) process.stdout.write(`${at};${rest}\n`)
  },
}

test.each(Object.entries(ways))(
  'an endless loop of %s is cut off between two lines, and one can go on printing',
  async (_name, way) => {
    let text = ''
    let length = 0
    const read = (line: string): void => {
      length += line.length
      text += line.replaceAll('.', '')
    }
    await using worker = await quietWorker({ interruptGraceMs: 10_000, stdout: read, stderr: read })
    const listeners = await worker.call(() => {
      Object.assign(globalThis, { kept: 'a variable' })
      return [process.stdout, process.stderr].map((stream) => stream.listenerCount('error'))
    })
    const call = rejection(worker.call(way), InterruptedError)
    await until('it prints', () => text.includes('2;'))
    const result = await worker.interrupt()
    expect(result.outcome).toBe('interrupted')
    expect(result.at).toMatch(/^ +at (async )?prints /)
    expect((await call).at).toBe(result.at)
    const after = await worker.call(() => {
      console.log('out')
      console.error('error')
      const errors = [process.stdout, process.stderr].map((stream) => stream.listenerCount('error'))
      return [errors, Reflect.get(globalThis, 'kept') as unknown]
    })
    expect(after).toEqual([listeners, 'a variable'])
    await until('it prints again', () => text.includes('out') && text.includes('error'))
    // No line is lost, doubled or broken off.
    const numbers = text.replace('out', '').replace('error', '').split(';').slice(0, -1)
    expect(numbers).toEqual(numbers.map((_, index) => String(index)))
    expect(length).toBe(text.length + numbers.length * 300_000)
    await expectUsable(worker)
  },
)
