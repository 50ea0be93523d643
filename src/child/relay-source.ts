/**
 * The bundled text of `relay.ts`. The build replaces this module by one that exports the real text: a worker is no
 * relay, and need not load what starts processes.
 * @internal
 */
export const relaySource = (): string => ''
