import { randomBytes } from 'node:crypto'

/** Randomness as a dependency, so that a whole run can be repeated from a seed. */
export interface Random {
  /** 128 bits that nobody can guess, in hex. */
  token(): string
}

export const systemRandom: Random = {
  token: () => randomBytes(16).toString('hex'),
}
