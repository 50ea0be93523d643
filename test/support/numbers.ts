/** The numbers from 0 to, and without, that one. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at)
