import { defineConfig } from 'vitest/config'
import { SuiteReporter } from './test/support/suite-reporter.ts'
import { filesOf, filesWithoutPipe, type WorkerKind, workerKinds } from './test/support/worker-kinds.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly workerKind: WorkerKind
    readonly inThread: boolean
  }
}

/** All tests, with workers of the default kind; then those about workers, with each of the others. */
const main = {
  extends: true as const,
  test: {
    name: 'main',
    include: ['test/**/*.test.ts'],
    exclude: [...filesWithoutPipe],
    provide: { workerKind: 'pipe' as const, inThread: false },
  },
}
const others = workerKinds
  .filter((kind) => kind !== 'pipe')
  .map((kind) => ({
    extends: true as const,
    test: { name: kind, include: [...filesOf(kind)], provide: { workerKind: kind, inThread: false } },
  }))

/** The senders among them once more from a thread of the runner: there all share one process, so one file at a time, last. */
const threads = {
  extends: true as const,
  test: {
    name: 'threads',
    include: ['test/scenarios/movement.test.ts', 'test/scenarios/movement-vitest.test.ts'],
    provide: { workerKind: 'pipe' as const, inThread: true },
    pool: 'threads' as const,
    maxWorkers: 1,
    sequence: { groupOrder: 1 },
  },
}

export default defineConfig({
  test: {
    projects: [main, ...others, threads],
    globalSetup: ['test/support/build-once.ts'],
    setupFiles: ['test/support/own-tmpdir.ts'],
    reporters: ['default', new SuiteReporter()],
    // One process per file, so that a leak check sees only what its own file started.
    pool: 'forks',
    maxWorkers: 2,
    // The machine may be busy: waiting is bounded by what no run should need.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 90_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
})
