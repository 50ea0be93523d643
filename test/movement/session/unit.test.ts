import { afterEach, describe, expect, test } from 'vitest'
import { cleanStack } from '../../../src/movement/session/clean-stack.ts'
import { Edits } from '../../../src/movement/session/edits.ts'
import { EvaluateSyntaxError } from '../../../src/movement/session/evaluate-syntax-error.ts'
import { Session } from '../../../src/movement/session/session.ts'

const session = new Session({ defaultScope: 'global' })
afterEach(() => {
  for (const { name } of session.names()) session.delete(name)
})

function syntaxError(source: string, filename = 'cell'): EvaluateSyntaxError {
  try {
    void session.evaluate({ source, filename })
  } catch (error) {
    if (error instanceof EvaluateSyntaxError) return error
    throw error
  }
  throw new Error('It compiled.')
}

describe('EvaluateSyntaxError', () => {
  test('has the place, the line and a caret, and no frames of ours', () => {
    const error = syntaxError('let a = 1\n\tlet b = = 2')
    expect(error.message).toBe("Unexpected token '=' (cell:2:10)\n\tlet b = = 2\n\t        ^")
    expect([error.line, error.column, error.filename, error.name]).toEqual([2, 10, 'cell', 'SyntaxError'])
    expect(Object.keys(error).toSorted()).toEqual(['column', 'line'])
    expect(error.stack).toBe(`SyntaxError: ${error.message}`)
    expect(error).toBeInstanceOf(SyntaxError)
  })

  test.each([
    ['let a = (', 1, 10],
    ['a b', 1, 3],
    ['const a', 1, 7],
    ['let a = 1\nlet a = 2', 2, 5],
    ['return 1', 1, 1],
    ['await 1; foo bar', 1, 14],
    ['"use strict"\nwith ({}) 1', 2, 1],
    ['{ a: 1, b: }', 1, 10],
    ['let undefined = 1', 1, 5],
    ['import { a } from "x"\nexport * from "y"', 2, 1],
    ['#!shebang\n)', 2, 1],
    ['import.meta', 1, 8],
    ['(x) => { x?.y = 1 }', 1, 10],
    ['  /(/', 1, 3],
    ['1;\n  super.x', 2, 3],
    ['await 1; import.meta.url', 1, 17],
  ])('%j is at %i:%i', (source, line, column) => {
    const error = syntaxError(source)
    expect([error.line, error.column]).toEqual([line, column])
  })

  test('a long line is cut around the place', () => {
    const error = syntaxError(`let a = "${'x'.repeat(1000)}" = "${'y'.repeat(1000)}"`)
    const [, line = '', caret = ''] = error.message.split('\n')
    expect(line.length).toBeLessThanOrEqual(200)
    expect(caret.length).toBeLessThanOrEqual(201)
  })

  test('a source that is too deeply nested is refused, and the session goes on', () => {
    const error = syntaxError('('.repeat(100_000))
    expect(error.message).toContain('too deeply nested')
    expect(syntaxError(`${'['.repeat(20_000)}${']'.repeat(20_000)}`).message).toContain('too deeply nested')
    expect(session.evaluate({ source: '1' })).toBe(1)
  })

  test('a huge flat source is fine', () => {
    expect(session.evaluate({ source: 'huge = 1;\n'.repeat(50_000) })).toBe(1)
    Reflect.deleteProperty(globalThis, 'huge')
  })
})

describe('errors at run time', () => {
  test('a stack is that of the user, function by function', async () => {
    const source = 'await 0\nfunction f() {\n  throw new Error("x")\n}\nconst g = () => f()\n  g()'
    const error = (await (session.evaluate({ source, filename: 'cell' }) as Promise<unknown>).catch(
      (thrown: unknown) => thrown,
    )) as Error
    const runtime = error.stack?.match(/\/[^\s()]*session\/\w+\.ts/g) ?? []
    const lines = cleanStack(error.stack ?? '', runtime).split('\n')
    expect(lines.slice(0, 4)).toEqual([
      'Error: x',
      '    at f (cell:3:9)',
      '    at g (cell:5:17)',
      '    at cell:6:3',
    ])
    expect(lines.join('\n')).not.toMatch(/session\/\w+\.ts|node:vm/)
  })

  test('a function that is called after its evaluation has its place', () => {
    session.evaluate({ source: '\n\n   const later = () => { throw new Error() }', filename: 'cell' })
    const later = session.get('later') as () => unknown
    expect(() => later()).toThrow(
      expect.objectContaining({ stack: expect.stringContaining('at later (cell:3:32)') }),
    )
  })

  test('evaluations are numbered', () => {
    const own = new Session({ defaultScope: 'own' })
    const stackOf = (): string => own.evaluate({ source: 'new Error().stack' }) as string
    expect([stackOf(), stackOf()]).toEqual([
      expect.stringContaining('at [evaluation 1]:1:1'),
      expect.stringContaining('at [evaluation 2]:1:1'),
    ])
  })
})

describe('cleanStack()', () => {
  const stack = [
    'Error: at night',
    '    at f (cell:1:7)',
    '    at Array.map (<anonymous>)',
    '    at node:internal/util:5:5',
    '    at cell:2:1',
    '    at Script.runInThisContext (node:vm:137:12)',
    '    at Session.evaluate (/lib/session.js:5:5)',
    '    at async file:///lib/main.cjs:7:7',
    '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
  ].join('\n')

  test('leaves what is the user’s, and what Node.js does between', () => {
    expect(cleanStack(stack, ['/lib/session.js', 'file:///lib/main.cjs'])).toBe(
      stack.split('\n').slice(0, 5).join('\n'),
    )
  })

  test('leaves the frames of Node.js if there are no others', () => {
    const own = 'Error: x\n    at node:internal/fs:1:1'
    expect(cleanStack(own)).toBe(own)
    expect(cleanStack('Error: x')).toBe('Error: x')
  })
})

describe('Edits', () => {
  test('replaces at the same width, blanks without line ends and inserts', () => {
    const edits = new Edits('let a\nexport b')
    edits.replace(0, 3, '0,')
    edits.blank(4, 13)
    edits.insert(14, ';')
    expect(edits.slice(0, 14)).toBe('0,   \n       b;')
    expect(edits.slice(4, 8)).toBe('a\nex')
  })
})

test('a session in which a source throws in the middle of its imports goes on', async () => {
  const failing = session.evaluate({ source: 'import "./nothing.mjs"; let never = 1' }) as Promise<unknown>
  await expect(failing).rejects.toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' })
  expect(session.names()).toEqual([])
})

test('names of the default scope are properties of the global object, and can be deleted', () => {
  session.evaluate({ source: 'let globalName = 1; class GlobalClass {}' })
  expect(Object.getOwnPropertyDescriptor(globalThis, 'globalName')).toEqual({
    value: 1,
    writable: true,
    enumerable: true,
    configurable: true,
  })
  expect([session.delete('globalName'), 'globalName' in globalThis]).toEqual([true, false])
})
