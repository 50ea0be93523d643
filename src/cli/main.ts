#!/usr/bin/env node
import { writeSync } from 'node:fs'
import { exitCode } from './command.ts'
import { runProgram } from './program.ts'
import { UsageError } from './usage-error.ts'

const { stdout, stderr } = process
const write = stdout.write.bind(stdout)
// What a file prints while it is imported must not stand in the middle of what is asked for.
stdout.write = stderr.write.bind(stderr)

let text = ''
let isDone = false

process.once('exit', () => {
  if (isDone) return
  writeSync(stderr.fd, 'maltster: the file ended the process while it was imported, or never finished.\n')
  process.exitCode = exitCode.usage
})

async function run(): Promise<number> {
  try {
    return await runProgram(process.argv.slice(2), {
      print: (more) => {
        text += more
      },
      environment: process.env,
      isTerminal: stdout.isTTY,
      cwd: process.cwd(),
    })
  } catch (error) {
    if (!(error instanceof UsageError)) {
      isDone = true
      throw error
    }
    stderr.write(`maltster: ${error.message}\n`)
    return exitCode.usage
  }
}

const code = await run()
isDone = true
// The file may have left something that would go on: a server, a timer. And who reads may have gone, as `head` does.
stdout.once('error', () => process.exit(code))
write(text, () => process.exit(code))
