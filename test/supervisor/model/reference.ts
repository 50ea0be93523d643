/**
 * The rules of supervision, once more: as short as they can be said, on plain data, with no line shared with what they are
 * compared to. It looks at everything again after each event, however small, until nothing changes. Slow, and plain.
 */

export interface ModelBehaviour {
  readonly bootMs: number
  readonly boot: 'ready' | 'fail' | 'skip'
  readonly stopMs: number
}

export interface ModelChild {
  readonly id: string
  readonly restart: 'permanent' | 'transient' | 'temporary'
  readonly shutdownMs: number
  readonly significant: boolean
  readonly supervisor?: ModelSpec
}

export interface ModelSpec {
  readonly strategy: 'one-for-one' | 'one-for-all' | 'rest-for-one'
  readonly maxRestarts: number
  readonly periodMs: number
  readonly backoff: { minMs: number; maxMs: number; factor: number; resetAfterMs: number }
  readonly autoShutdown: 'never' | 'any-significant' | 'all-significant'
  readonly maxConcurrentBoots: number
  readonly coalesce: boolean
  readonly resurrect: boolean
  readonly children: readonly ModelChild[]
}

type Phase = 'queued' | 'delayed' | 'booting' | 'up' | 'ending' | 'down'
type End = 'normal' | 'crash' | 'shutdown' | 'escalated' | 'boot'

interface Lasting {
  lives: number
  isStopped: boolean
  readonly below: Map<string, Lasting>
}

interface Node {
  readonly spec: ModelChild
  readonly above: Sup
  readonly lasting: Lasting
  readonly isLater: boolean
  phase: Phase
  /** Why it is down. */
  word: string
  wanted: boolean
  /** Its end counts as ordered. */
  isMarked: boolean
  /** It goes down as one of a group. */
  isMember: boolean
  /** The start of its supervisor waits for it. */
  isAwaited: boolean
  isTold: boolean
  isAsked: boolean
  /** What it is again if what was asked for fails. */
  fallback: string | undefined
  row: number
  readySince: number | undefined
  /** When its boot, its stop or its delay is over. */
  due: number
  dueFor: 'boot' | 'stop' | 'delay'
  /** When its patience is over. */
  killAt: number
  turn: number
  sup: Sup | undefined
}

interface Sup {
  readonly spec: ModelSpec
  readonly path: string
  readonly lasting: Lasting
  readonly owner: Node | undefined
  nodes: Node[]
  phase: 'starting' | 'running' | 'ending' | 'over'
  isPaused: boolean
  how: End
  isKilled: boolean
  restarts: number[]
  dead: { node: Node; end: End; wasReady: boolean; uptime: number }[]
}

const isAlive = ({ phase }: Node): boolean => phase === 'booting' || phase === 'up' || phase === 'ending'

export class Reference {
  now = 0
  readonly top: Sup
  readonly #behave: (path: string, life: number) => ModelBehaviour
  #turns = 0
  /** Supervisors that have heard of deaths, in the order of the first of them. */
  #agenda: Sup[] = []

  constructor(spec: ModelSpec, behave: (path: string, life: number) => ModelBehaviour) {
    this.#behave = behave
    this.top = this.#supervisor(spec, 'app', { lives: 1, isStopped: false, below: new Map() }, undefined)
    this.#settle()
  }

  /** When the next thing happens by itself. */
  get next(): number {
    return Math.min(...this.#all().map((node) => Math.min(node.due, node.killAt)))
  }

  /** Lets the next thing happen. */
  step(): void {
    const at = this.next
    this.now = at
    // Of two that are due at the same moment, that which was set first.
    for (const node of this.#all().toSorted((a, b) => a.turn - b.turn)) {
      if (node.killAt === at) this.#kill(node)
      else if (node.due === at) this.#due(node)
      this.#move()
    }
    this.#settle()
  }

  /** Several die in one turn: the tree moves after each, and decides after all. */
  die(deaths: readonly { path: string; end: 'normal' | 'crash' | 'shutdown' }[]): void {
    const lives = deaths.map(({ path, end }) => ({ path, end, life: this.find(path)?.lasting.lives }))
    for (const { path, end, life } of lives) {
      const node = this.find(path)
      if (node === undefined || !isAlive(node) || node.lasting.lives !== life) continue
      this.#gone(node, end)
      this.#move()
    }
    this.#settle()
  }

  terminate(path: string): void {
    const node = this.find(path)
    if (node === undefined) return
    const { above } = node
    above.dead = above.dead.filter((death) => death.node !== node)
    node.wanted = false
    node.lasting.isStopped = true
    const isForgotten = node.isAsked && node.fallback === undefined
    node.isAsked = false
    node.isAwaited = false
    if (isForgotten) node.fallback = 'forgotten'
    if (isAlive(node)) {
      node.isMarked = true
      this.#tell(node)
    } else this.#putAway(node)
    this.#settle()
  }

  restart(path: string): void {
    const node = this.find(path)
    if (node === undefined || node.phase !== 'down' || this.#isEnding(node.above)) return
    node.fallback = node.word
    node.wanted = true
    node.isAsked = true
    node.lasting.isStopped = false
    node.row = 0
    this.#queue(node)
    this.#settle()
  }

  start(path: string, spec: ModelChild): void {
    const sup = this.supervisor(path)
    if (sup === undefined || this.#isEnding(sup) || sup.nodes.some(({ spec: { id } }) => id === spec.id))
      return
    const node = this.#node(spec, sup, { lives: 0, isStopped: false, below: new Map() }, true)
    node.isAsked = true
    sup.nodes.push(node)
    this.#settle()
  }

  pause(path: string, isPaused: boolean): void {
    const sup = this.supervisor(path)
    if (sup?.phase !== 'running' || sup.isPaused === isPaused) return
    sup.isPaused = isPaused
    // What has happened meanwhile comes first.
    if (!isPaused) this.#judgeAll(sup)
    this.#settle()
  }

  stop(): void {
    if (!this.#isEnding(this.top)) this.#end(this.top, 'shutdown')
    this.#settle()
  }

  find(path: string): Node | undefined {
    let sup: Sup | undefined = this.top
    let node: Node | undefined
    for (const id of path.split('/')) {
      node = sup?.nodes.find(({ spec }) => spec.id === id)
      sup = node?.sup
    }
    return node
  }

  supervisor(path: string): Sup | undefined {
    return path === '' ? this.top : this.find(path)?.sup
  }

  /** Path, phase and life of everything that is there, in the order of start. */
  describe(sup: Sup = this.top): string[] {
    return sup.nodes.flatMap((node) => [
      `${sup.path}/${node.spec.id} ${node.phase === 'down' ? node.word : node.phase} ${node.lasting.lives}`,
      ...(node.sup === undefined || node.sup.phase === 'over' ? [] : this.describe(node.sup)),
    ])
  }

  #isEnding(sup: Sup): boolean {
    return sup.phase === 'ending' || sup.phase === 'over'
  }

  #all(sup: Sup = this.top, found: Node[] = []): Node[] {
    for (const node of sup.nodes) {
      if (node.sup !== undefined) this.#all(node.sup, found)
      found.push(node)
    }
    return found
  }

  #supervisor(spec: ModelSpec, path: string, lasting: Lasting, owner: Node | undefined): Sup {
    const sup: Sup = {
      spec,
      path,
      lasting,
      owner,
      nodes: [],
      phase: 'starting',
      isPaused: false,
      how: 'shutdown',
      isKilled: false,
      restarts: [],
      dead: [],
    }
    for (const child of spec.children) {
      const known = lasting.below.get(child.id) ?? { lives: 0, isStopped: false, below: new Map() }
      lasting.below.set(child.id, known)
      sup.nodes.push(this.#node(child, sup, known, false))
    }
    return sup
  }

  #node(spec: ModelChild, above: Sup, lasting: Lasting, isLater: boolean): Node {
    if (above.spec.resurrect) lasting.isStopped = false
    const staysDown = lasting.isStopped
    const rest = {
      isMarked: false,
      isMember: false,
      isAwaited: !isLater && !staysDown,
      isTold: false,
      isAsked: false,
      fallback: undefined,
      row: 0,
    }
    const times = {
      readySince: undefined,
      due: Infinity,
      dueFor: 'boot' as const,
      killAt: Infinity,
      turn: ++this.#turns,
    }
    const phase = staysDown ? ('down' as const) : ('queued' as const)
    const sup = undefined
    return {
      spec,
      above,
      lasting,
      isLater,
      phase,
      word: 'stopped',
      wanted: !staysDown,
      ...rest,
      ...times,
      sup,
    }
  }

  #queue(node: Node): void {
    node.phase = 'queued'
    node.due = Infinity
    node.turn = ++this.#turns
  }

  #due(node: Node): void {
    node.due = Infinity
    if (node.dueFor === 'delay') return this.#queue(node)
    if (node.dueFor === 'stop') return this.#gone(node, 'shutdown')
    const { boot } = this.#behave(`${node.above.path}/${node.spec.id}`, node.lasting.lives)
    if (boot === 'ready') this.#becomeUp(node)
    else this.#gone(node, boot === 'fail' ? 'boot' : 'skip')
  }

  #becomeUp(node: Node): void {
    if (node.isMarked) return
    node.phase = 'up'
    node.readySince = this.now
    node.isAsked = false
  }

  #begin(node: Node): void {
    const path = `${node.above.path}/${node.spec.id}`
    node.lasting.lives++
    node.turn = ++this.#turns
    node.phase = 'booting'
    node.isMarked = false
    node.isTold = false
    node.readySince = undefined
    if (node.spec.supervisor === undefined) {
      node.dueFor = 'boot'
      node.due = this.now + this.#behave(path, node.lasting.lives).bootMs
    } else node.sup = this.#supervisor(node.spec.supervisor, path, node.lasting, node)
  }

  #tell(node: Node): void {
    if (node.isTold) return
    node.isTold = true
    node.turn = ++this.#turns
    node.phase = 'ending'
    const { shutdownMs } = node.spec
    if (shutdownMs === 0) return this.#kill(node)
    node.killAt = this.now + shutdownMs
    if (node.sup === undefined) {
      const path = `${node.above.path}/${node.spec.id}`
      node.dueFor = 'stop'
      node.due = this.now + this.#behave(path, node.lasting.lives).stopMs
    } else if (!this.#isEnding(node.sup)) this.#end(node.sup, 'shutdown')
  }

  #kill(node: Node): void {
    node.killAt = Infinity
    if (node.sup === undefined) return this.#gone(node, 'shutdown')
    if (!this.#isEnding(node.sup)) this.#end(node.sup, 'shutdown')
    node.sup.isKilled = true
  }

  #end(sup: Sup, how: End): void {
    sup.phase = 'ending'
    sup.how = how
    sup.dead = []
    sup.isPaused = false
    for (const node of sup.nodes) {
      node.isMember = false
      if (node.isAsked && node.fallback === undefined) node.fallback = 'forgotten'
      node.isAsked = false
      if (isAlive(node)) {
        node.isMarked = true
        node.phase = 'ending'
      } else if (node.wanted) this.#queue(node)
    }
  }

  /** A life is over. */
  #gone(node: Node, end: End | 'skip'): void {
    const { above } = node
    const wasReady = node.readySince !== undefined
    const uptime = this.now - (node.readySince ?? this.now)
    node.due = Infinity
    node.killAt = Infinity
    node.isMember = false
    if (node.isMarked) {
      node.isMarked = false
      if (this.#isEnding(above)) {
        if (node.wanted) this.#queue(node)
        else this.#down(node, 'stopped')
      } else if (!node.wanted) this.#putAway(node)
      else if (node.spec.restart === 'temporary' && !node.isAsked) this.#remove(node)
      else this.#queue(node)
    } else if (end === 'skip') {
      node.wanted = false
      node.isAsked = false
      if (node.spec.restart === 'temporary') this.#remove(node)
      else this.#down(node, 'skipped')
    } else if (node.isAsked) {
      node.isAsked = false
      node.wanted = false
      if (node.fallback === undefined) this.#remove(node)
      else this.#down(node, node.fallback)
    } else {
      this.#queue(node)
      if (above.phase === 'starting' && !wasReady) this.#end(above, 'boot')
      else {
        const death = { node, end, wasReady, uptime }
        const isHeld = above.phase !== 'running' || above.isPaused
        // What was stopped on purpose touches nobody, and is settled before the others of its turn.
        if (end === 'shutdown' && !isHeld && (above.spec.coalesce || above.dead.length === 0))
          return this.#judge(above, [death])
        above.dead.push(death)
        if (!this.#agenda.includes(above)) this.#agenda.push(above)
      }
    }
  }

  #down(node: Node, word: string): void {
    node.phase = 'down'
    node.word = word
    node.due = Infinity
  }

  #remove(node: Node): void {
    node.above.nodes = node.above.nodes.filter((other) => other !== node)
  }

  #putAway(node: Node): void {
    if (node.spec.restart === 'temporary' || node.fallback === 'forgotten') this.#remove(node)
    else this.#down(node, 'stopped')
  }

  /** Moves all there is to move; then the next supervisor decides about what it has heard of, and so on. */
  #settle(): void {
    this.#move()
    for (let sup = this.#agenda.shift(); sup !== undefined; sup = this.#agenda.shift()) {
      this.#judgeAll(sup)
      this.#move()
    }
  }

  #move(): void {
    for (let rounds = 0; this.#sups().some((sup) => this.#act(sup)); rounds++) {
      if (rounds > 10_000) throw new Error('The reference does not come to rest.')
    }
  }

  #sups(sup: Sup = this.top, found: Sup[] = []): Sup[] {
    found.push(sup)
    for (const node of sup.nodes) if (node.sup !== undefined) this.#sups(node.sup, found)
    return found
  }

  #judgeAll(sup: Sup): void {
    while (sup.phase === 'running' && !sup.isPaused && sup.dead.length > 0) {
      this.#judge(sup, sup.spec.coalesce ? sup.dead.splice(0) : sup.dead.splice(0, 1))
    }
  }

  /** Does one thing that is to be done; answers whether there was one. */
  #act(sup: Sup): boolean {
    if (sup.phase === 'over') return false
    if (sup.phase === 'ending') return this.#actEnding(sup)
    // A group goes down in reverse before any of it comes up.
    const last = sup.nodes.filter(({ isMember }) => isMember).at(-1)
    if (last === undefined) return this.#actStart(sup)
    if (last.isTold) return false
    this.#tell(last)
    return true
  }

  #actEnding(sup: Sup): boolean {
    const alive = sup.nodes.filter(isAlive)
    if (alive.length === 0) {
      this.#over(sup)
      return true
    }
    const free = alive.filter(({ isLater }) => isLater && sup.spec.strategy === 'one-for-one')
    const turn = free.length > 0 ? free : alive.slice(-1)
    if (sup.isKilled) {
      const toKill = alive.filter((node) => node.sup?.isKilled !== true)
      for (const node of toKill) this.#kill(node)
      return toKill.length > 0
    }
    if (turn.every(({ isTold }) => isTold)) return false
    for (const node of turn) this.#tell(node)
    return true
  }

  #over(sup: Sup): void {
    sup.phase = 'over'
    sup.nodes = sup.nodes.filter(({ isLater }) => !isLater)
    if (sup.owner !== undefined) this.#gone(sup.owner, sup.how)
    else sup.nodes = []
  }

  #actStart(sup: Sup): boolean {
    const { strategy, maxConcurrentBoots } = sup.spec
    const isFirst = sup.phase === 'starting'
    const firsts = sup.nodes.filter(({ isAwaited }) => isAwaited)
    if (isFirst && firsts.every((node) => node.readySince !== undefined || !node.wanted)) {
      sup.phase = 'running'
      if (sup.owner !== undefined) this.#becomeUp(sup.owner)
      if (sup.dead.length > 0) this.#agenda.push(sup)
      return true
    }
    if (sup.isPaused) return false
    const booting = sup.nodes.filter(({ phase }) => phase === 'booting').length
    const isByOrder = strategy !== 'one-for-one'
    // Who comes next is not known before it is decided about those.
    if (isByOrder && !isFirst && sup.dead.length > 0) return false
    if (booting >= (isByOrder || isFirst ? 1 : maxConcurrentBoots)) return false
    const isDead = (node: Node): boolean => sup.dead.some((death) => death.node === node)
    const waiting = sup.nodes.filter((node) => node.phase === 'queued' && !isDead(node))
    const delayed = sup.nodes.filter(({ phase }) => phase === 'delayed')
    if (strategy === 'one-for-all' && delayed.length > 0) return false
    const [next] = isByOrder ? waiting : waiting.toSorted((a, b) => a.turn - b.turn)
    if (next === undefined) return false
    const isBehind = (node: Node): boolean => sup.nodes.indexOf(node) < sup.nodes.indexOf(next)
    if (isByOrder && delayed.some(isBehind)) return false
    this.#begin(next)
    return true
  }

  #judge(sup: Sup, dead: Sup['dead']): void {
    const { spec } = sup
    const order = dead.toSorted((a, b) => sup.nodes.indexOf(a.node) - sup.nodes.indexOf(b.node))
    const crashes = order.filter(({ node, end, wasReady }) => {
      if (end === 'shutdown' || node.spec.restart === 'temporary') return false
      return node.spec.restart === 'permanent' || end !== 'normal' || !wasReady
    })
    const ends = order.filter((death) => !crashes.includes(death))
    for (const { node, end } of ends) {
      node.wanted = false
      if (node.spec.restart === 'temporary') this.#remove(node)
      else this.#down(node, end === 'shutdown' ? 'stopped' : 'finished')
      if (end === 'shutdown') node.lasting.isStopped = true
    }
    const left = sup.nodes.filter(({ spec: { significant }, wanted }) => significant && wanted).length
    const isLast = ends.some(({ node, end }) => node.spec.significant && end !== 'shutdown')
    if (
      isLast &&
      (spec.autoShutdown === 'any-significant' || (spec.autoShutdown === 'all-significant' && left === 0))
    )
      return this.#end(sup, 'normal')
    const counted = spec.strategy === 'one-for-one' ? crashes : crashes.slice(0, 1)
    sup.restarts = sup.restarts.filter((time) => time > this.now - spec.periodMs)
    if (sup.restarts.length + counted.length > spec.maxRestarts && counted.length > 0)
      return this.#end(sup, 'escalated')
    for (const { node, wasReady, uptime } of counted) {
      sup.restarts.push(this.now)
      node.row = wasReady && uptime >= spec.backoff.resetAfterMs ? 1 : node.row + 1
      this.#queue(node)
      const { minMs, maxMs, factor } = spec.backoff
      const delay = node.row === 1 ? 0 : Math.min(maxMs, minMs * factor ** (node.row - 2))
      if (delay > 0) {
        node.phase = 'delayed'
        node.dueFor = 'delay'
        node.due = this.now + delay
      }
      if (spec.strategy !== 'one-for-one') this.#group(sup, node)
    }
  }

  #group(sup: Sup, trigger: Node): void {
    const from = sup.spec.strategy === 'one-for-all' ? 0 : sup.nodes.indexOf(trigger)
    for (const node of sup.nodes.slice(from)) {
      const isSwallowed = sup.dead.some((death) => death.node === node)
      sup.dead = sup.dead.filter((death) => death.node !== node)
      if (isSwallowed && node.spec.restart === 'temporary') {
        this.#remove(node)
        continue
      }
      if (isAlive(node)) node.isMember = true
      if (!node.wanted && !(sup.spec.resurrect && node.phase === 'down')) continue
      if (node.phase === 'down') this.#queue(node)
      node.wanted = true
      node.lasting.isStopped = false
      if (!isAlive(node)) continue
      node.isMarked = true
      node.phase = 'ending'
    }
  }
}
