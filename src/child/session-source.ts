/**
 * The bundled text of `src/movement/session/session.ts`. The build replaces this module by one that exports the real
 * text: a worker that never evaluates source pays nothing for the parser, and the child stays a single file.
 * @internal
 */
export const sessionSource = (): string => ''
