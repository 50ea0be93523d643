import { expect, it } from 'vitest'

import { LastLives } from '../../../src/supervisor/tree/last-lives.ts'

it('the lives of a place that is gone are remembered, of the last ten thousand places', () => {
  const lives = new LastLives()
  lives.note('app/a', 3)
  lives.note('app/never', 0)
  for (let place = 0; place < 9_999; place++) lives.note(`app/${place}`, 1)
  expect([lives.at('app/a'), lives.at('app/0'), lives.at('app/never')]).toEqual([3, 1, 0])
  lives.note('app/a', 4)
  lives.note('app/b', 1)
  expect([lives.at('app/a'), lives.at('app/0'), lives.at('app/1')]).toEqual([4, 0, 1])
})
