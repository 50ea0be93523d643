import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Visitor } from 'rolldown/utils'
import { parseSource } from './source-files.ts'

const source = 'src/transport/protocol.ts'
const tables = ['frameType', 'frameFlag']

/** Names and numbers of the wire that no line of docs/protocol.md has together. */
export function protocolDocFaults(root: string): string[] {
  const lines = readFileSync(join(root, 'docs/protocol.md'), 'utf8').split('\n')
  const numbers = readTables(root)
  const missing = tables.filter((table) => !numbers.some((entry) => entry.table === table))
  return [
    ...missing.map((table) => `${source} has no object ${table} of numbers`),
    ...numbers
      .filter(({ name, value }) => !lines.some((line) => hasWord(line, name) && hasNumber(line, value)))
      .map(({ table, name, value }) => `docs/protocol.md has no line with ${name} and ${value} (${table})`),
  ]
}

function readTables(root: string): { table: string; name: string; value: number }[] {
  const found: { table: string; name: string; value: number }[] = []
  const { program } = parseSource({ path: source, text: readFileSync(join(root, source), 'utf8') })
  new Visitor({
    VariableDeclarator: ({ id, init }) => {
      if (id.type !== 'Identifier' || !tables.includes(id.name)) return
      const object = init?.type === 'TSAsExpression' ? init.expression : init
      if (object?.type !== 'ObjectExpression') return
      for (const property of object.properties) {
        if (property.type !== 'Property' || property.key.type !== 'Identifier') continue
        if (property.value.type !== 'Literal' || typeof property.value.value !== 'number') continue
        found.push({ table: id.name, name: property.key.name, value: property.value.value })
      }
    },
  }).visit(program)
  return found
}

function hasWord(line: string, word: string): boolean {
  return new RegExp(`(?<![\\w-])${word}(?![\\w-])`).test(line)
}

function hasNumber(line: string, value: number): boolean {
  return new RegExp(`(?<![\\w.])(${value}|0x0*${value.toString(16)})(?![\\w])`, 'i').test(line)
}
