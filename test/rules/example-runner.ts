import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import type { Example } from './doc-examples.ts'
import { root } from './temporary-tree.ts'

/** How long one example may run. Not an expectation: one that never ends has to be ended. */
const limitMs = 60_000

/** A folder in which the package can be imported by its name, as in a program of a user. */
export class ExampleFolder {
  readonly #folder = mkdtempSync(join(tmpdir(), 'examples-'))

  /** `packageRoot` is what `import 'maltster'` leads to. */
  constructor(packageRoot: string) {
    mkdirSync(join(this.#folder, 'node_modules'))
    symlinkSync(packageRoot, join(this.#folder, 'node_modules/maltster'), 'dir')
    symlinkSync(join(root, 'node_modules/@types'), join(this.#folder, 'node_modules/@types'), 'dir')
    this.#write('package.json', JSON.stringify({ type: 'module' }))
    this.#write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  }

  /** What the compiler has to say against the examples. */
  async typeFaults(examples: readonly Example[]): Promise<string[]> {
    for (const [index, { code }] of examples.entries()) this.#write(`${index}.ts`, `${code}\nexport {}\n`)
    const tsc = join(root, 'node_modules/typescript/lib/tsc.js')
    const { isOk, stdout } = await runNode(
      [tsc, '--project', this.#folder, '--pretty', 'false'],
      this.#folder,
    )
    if (isOk) return []
    return stdout
      .trim()
      .split('\n')
      .map((line) =>
        line.replace(
          /^.*?(\d+)\.ts\((\d+),\d+\):/,
          (_, index, row) => `${examples[Number(index)]?.where} (line ${row}):`,
        ),
      )
  }

  /**
   * Runs the examples, two at a time. One must end by itself with exit code 0, and print what the comments behind
   * its `console.log(…) // what it prints` say, in that order. `…` in such a comment stands for anything.
   */
  async runFaults(examples: readonly Example[]): Promise<string[]> {
    const waiting = [...examples.entries()].filter(([, example]) => example.isRun)
    const faults = new Map<number, string>()
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const fault = await this.#runFault(...next)
        if (fault !== undefined) faults.set(next[0], fault)
      }
    }
    await Promise.all([work(), work()])
    return [...faults].toSorted(([a], [b]) => a - b).map(([, fault]) => fault)
  }

  async #runFault(index: number, { where, code }: Example): Promise<string | undefined> {
    this.#write(`${index}.ts`, code)
    this.#write(`${index}.mjs`, await asJavaScript(join(this.#folder, `${index}.ts`)))
    const { isOk, output, stdout } = await runNode([join(this.#folder, `${index}.mjs`)], this.#folder)
    if (!isOk) return `${where} fails: ${output.trim()}`
    const printed = stdout.split('\n')
    for (const promise of promisedLines(code)) {
      const position = printed.findIndex((line) => matches(line, promise))
      if (position === -1)
        return `${where} doesn't print "${promise}" where it says so, but: ${stdout.trim()}`
      printed.splice(0, position + 1)
    }
    return undefined
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text)
  }
}

/** Types stripped, and `using` in terms that Node 20 knows; for that the bundler is needed, not only its parser. */
async function asJavaScript(file: string): Promise<string> {
  const build = await rolldown({
    input: file,
    platform: 'node',
    external: (id) => id !== file && !id.startsWith('\0') && !id.startsWith('@oxc-project/runtime'),
    transform: { target: 'node20' },
    treeshake: false,
  })
  try {
    const { output } = await build.generate({ format: 'esm' })
    return output[0].code
  } finally {
    await build.close()
  }
}

const compilerOptions = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
}

function promisedLines(code: string): string[] {
  return [...code.matchAll(/^\s*console\.log\(.*\);? \/\/ (.+)$/gm)].map((match) => match[1]?.trim() ?? '')
}

function matches(line: string, promise: string): boolean {
  const pattern = promise
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*')
  return new RegExp(`^${pattern}$`).test(line.trim())
}

function runNode(args: string[], cwd: string): Promise<{ isOk: boolean; output: string; stdout: string }> {
  return new Promise((resolve) => {
    const options = { cwd, timeout: limitMs, killSignal: 'SIGKILL', encoding: 'utf8' } as const
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const ending =
        error?.killed === true ? `\nstill running after ${limitMs} ms` : `\nexit code ${error?.code}`
      resolve({ isOk: error === null, output: `${stdout}${stderr}${ending}`, stdout })
    })
  })
}
