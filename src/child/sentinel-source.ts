/**
 * The bundled text of `sentinel.ts`. The build replaces this module by one that exports the real text, so that the
 * child stays a single file; see `scripts/build.mjs`.
 * @internal
 */
export const sentinelSource: string = ''
