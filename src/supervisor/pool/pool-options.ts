/** How a pool is made. */
export interface PoolOptions {
  /** How many members it has. */
  readonly size?: number
}
