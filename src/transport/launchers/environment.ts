/** What a worker's environment has of the host's, unless asked otherwise. Secrets stay at home. */
const inheritedNames = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TZ',
  'SystemRoot',
  'TEMP',
  'TMP',
  'USERPROFILE',
]

/** These change what a Node process is; with `inheritEnv: true` they stay behind unless named. */
const strippedNames = [
  'NODE_OPTIONS',
  'NODE_DEBUG',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_UNIQUE_ID',
]

/**
 * The environment of a worker: what it inherits, then what `env` adds; a value of `undefined` takes a name out.
 */
export function workerEnvironment(
  host: NodeJS.ProcessEnv,
  inherit: boolean | readonly string[],
  added: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const names =
    inherit === true
      ? Object.keys(host).filter((name) => !strippedNames.includes(name))
      : inherit === false
        ? []
        : inherit
  const environment: Record<string, string> = {}
  for (const name of names) {
    const value = host[name]
    if (value !== undefined) environment[name] = value
  }
  for (const [name, value] of Object.entries(added)) {
    if (value === undefined) Reflect.deleteProperty(environment, name)
    else environment[name] = value
  }
  return environment
}

/** The names that are inherited by default. */
export const defaultInheritedNames: readonly string[] = inheritedNames
