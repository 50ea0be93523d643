import { join, resolve } from 'node:path'
import { tmpdir } from 'node:os'
import { rolldown } from 'rolldown'

/**
 * Bundles `test/fixtures/<path>`, which may import sources, to a file that a child process can run: Node.js 20
 * doesn't run TypeScript.
 * @returns the path of the bundle, in the temporary directory of this test file
 */
export async function bundleFixture(path: string): Promise<string> {
  const file = join(tmpdir(), `${path.replaceAll(/\W/g, '-')}.mjs`)
  const bundle = await rolldown({
    input: resolve(import.meta.dirname, '../fixtures', path),
    platform: 'node',
    logLevel: 'silent',
  })
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  return file
}
