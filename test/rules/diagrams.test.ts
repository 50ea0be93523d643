import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { diagrams, staleDiagrams } from '../../scripts/diagrams.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('the drawn machines are those of the code; `npm run diagrams` draws them anew', async () => {
  expect((await staleDiagrams(root)).map(([path]) => path)).toEqual([])
})

it('there is a drawing and a model of each machine', async () => {
  const files = await diagrams(root)
  expect([...files.keys()]).toEqual([
    'diagrams/worker.mmd',
    'diagrams/worker.json',
    'diagrams/supervisor.mmd',
    'diagrams/supervisor.json',
  ])
  for (const [path, text] of files) {
    expect(text).toContain(path.includes('worker') ? 'interrupt.started' : 'limit.reached')
  }
})
