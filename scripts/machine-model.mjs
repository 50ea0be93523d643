// A state machine as plain data and as Mermaid text, from an xstate machine.

/**
 * @typedef {{ id: string, parent: string | null, kind: string, initial: string | null, tags: string[], entry: string[], exit: string[], invokes: string[] }} StateModel
 * @typedef {{ from: string, event: string, guard: string | null, to: string | null, actions: string[] }} TransitionModel
 * @typedef {{ machine: string, states: StateModel[], transitions: TransitionModel[] }} MachineModel
 */

/** @param {{ type?: string } | string | undefined} one */
const nameOf = (one) => (typeof one === 'string' ? one : (one?.type ?? 'anonymous'))

/** @param {any} node @returns {Generator<any>} */
function* nodesBelow(node) {
  yield node
  for (const child of Object.values(node.states)) yield* nodesBelow(child)
}

/**
 * `after drain` for the event that a delay raises; other events as they are.
 * @param {string} event
 */
export function readableEvent(event) {
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(event) ?? []
  return delay === undefined ? event : `after ${delay}`
}

/**
 * @param {any} machine
 * @returns {MachineModel}
 */
export function machineModel(machine) {
  const nodes = [...nodesBelow(machine.root)]
  const states = nodes.map((node) => ({
    id: node.id,
    parent: node.parent?.id ?? null,
    kind: node.type,
    initial: node.initial?.target?.[0]?.id ?? null,
    tags: [...node.tags],
    entry: node.entry.map(nameOf),
    exit: node.exit.map(nameOf),
    invokes: node.invoke.map((/** @type {any} */ one) => one.id),
  }))
  const transitions = nodes.flatMap((node) =>
    [...node.transitions].flatMap(([event, candidates]) =>
      candidates.map((/** @type {any} */ one) => ({
        from: node.id,
        event: readableEvent(event),
        guard: one.guard === undefined ? null : nameOf(one.guard),
        to: one.target?.[0]?.id ?? null,
        actions: one.actions.map(nameOf).filter((/** @type {string} */ name) => !name.startsWith('xstate.')),
      })),
    ),
  )
  return { machine: machine.id, states, transitions }
}

/** @param {string} id */
const mermaidId = (id) => id.replaceAll('.', '_')

/**
 * @param {MachineModel} model
 * @returns {string}
 */
export function mermaid(model) {
  const lines = ['stateDiagram-v2']
  const root = model.states.find((state) => state.parent === null)
  /** @param {StateModel} state @param {string} indent */
  const draw = (state, indent) => {
    const children = model.states.filter((other) => other.parent === state.id)
    const label = state.id.split('.').at(-1)
    if (children.length === 0) lines.push(`${indent}${mermaidId(state.id)}: ${label}`)
    else {
      lines.push(`${indent}state "${label}" as ${mermaidId(state.id)} {`)
      if (state.initial !== null) lines.push(`${indent}  [*] --> ${mermaidId(state.initial)}`)
      for (const child of children) draw(child, `${indent}  `)
      lines.push(`${indent}}`)
    }
  }
  if (root !== undefined) draw(root, '  ')
  for (const { from, event, guard, to } of model.transitions) {
    const label = guard === null ? event : `${event} [${guard}]`
    lines.push(`  ${mermaidId(from)} --> ${mermaidId(to ?? from)}: ${label}`)
  }
  for (const state of model.states) if (state.kind === 'final') lines.push(`  ${mermaidId(state.id)} --> [*]`)
  return `${lines.join('\n')}\n`
}
