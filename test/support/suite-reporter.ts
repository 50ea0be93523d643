import { writeFileSync, writeSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { buildFailedVariable } from './build-once.ts'
import { type Count, countsLine, parseCount, suiteTable } from './suite-table.ts'

/** Counts that `scripts/check.mjs` got before the tests, as JSON: one row of the table each. */
const checksVariable = 'MALTSTER_CHECKS'

/** The project whose suites are named by their folder alone. */
const mainProject = 'main'

/** Names a file that `scripts/check.mjs` wants to be written once the counts are out. */
const reportedVariable = 'MALTSTER_REPORTED'

/**
 * Prints, as the last of the run, a table of the time and counts of each suite (a folder under `test/`, in a project)
 * and then the plain line `N passed, N failed`.
 */
export class SuiteReporter implements Reporter {
  #root = process.cwd()
  #startedAt = performance.now()
  #report: string | undefined

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root
    if (vitest.config.watch) return
    process.once('exit', () => this.#printReport())
  }

  onTestRunStart(): void {
    this.#startedAt = performance.now()
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const suites = new Map<string, Count>()
    for (const check of JSON.parse(process.env[checksVariable] ?? '[]'))
      add(suites, 'checks', parseCount(check))
    if (process.env[buildFailedVariable] !== undefined)
      add(suites, 'build', { passed: 0, failed: 1, skipped: 0 })
    for (const module of modules) add(suites, this.#suiteOf(module), countOf(module))
    if (unhandledErrors.length > 0) {
      add(suites, 'unhandled errors', { passed: 0, failed: unhandledErrors.length, skipped: 0 })
    }
    const counts = [...suites.values()]
    if (counts.some((count) => count.failed > 0)) process.exitCode = 1
    const wallMs = performance.now() - this.#startedAt
    this.#report = `\n${suiteTable(suites, wallMs)}\n\n${countsLine(counts)}\n`
  }

  #suiteOf({ moduleId, project }: TestModule): string {
    const folder = folderOf(relative(this.#root, moduleId))
    return project.name === mainProject ? folder : `${folder} (${project.name})`
  }

  /** Called as late as can be, so that nothing comes after the counts. */
  #printReport(): void {
    writeSync(1, this.#report ?? `\n${countsLine([{ passed: 0, failed: 1, skipped: 0 }])}\n`)
    const file = process.env[reportedVariable]
    if (file !== undefined) writeFileSync(file, '')
  }
}

function folderOf(file: string): string {
  const [, folder, ...rest] = file.split(/[\\/]/)
  return folder === undefined || rest.length === 0 ? 'test' : folder
}

/** A file that fails outside its tests (an import, a hook) counts as one failure. */
function countOf(module: TestModule): Count {
  const { collectDuration, setupDuration, prepareDuration, duration } = module.diagnostic()
  const states = [...module.children.allTests()].map((test) => test.result().state)
  const failedTests = states.filter((state) => state === 'failed').length
  return {
    passed: states.filter((state) => state === 'passed').length,
    failed: failedTests === 0 && module.state() === 'failed' ? 1 : failedTests,
    skipped: states.filter((state) => state === 'skipped' || state === 'pending').length,
    ms: collectDuration + setupDuration + prepareDuration + duration,
  }
}

function add(suites: Map<string, Count>, suite: string, count: Count): void {
  const sum = suites.get(suite) ?? { passed: 0, failed: 0, skipped: 0, ms: 0 }
  suites.set(suite, {
    passed: sum.passed + count.passed,
    failed: sum.failed + count.failed,
    skipped: sum.skipped + count.skipped,
    ms: (sum.ms ?? 0) + (count.ms ?? 0),
  })
}
