import { defineConfig } from 'vitest/config'
import { SuiteReporter } from './test/support/suite-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build-once.ts'],
    setupFiles: ['test/support/own-tmpdir.ts'],
    reporters: ['default', new SuiteReporter()],
    // One process per file, so that a leak check sees only what its own file started.
    pool: 'forks',
    maxWorkers: 2,
    // The machine may be busy: waiting is bounded by what no run should need.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
})
