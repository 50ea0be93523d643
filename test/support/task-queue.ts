/** A scheduler that runs nothing by itself: tasks wait until the test runs them. */
export class TaskQueue {
  #tasks: (() => void)[] = []
  readonly schedule = (task: () => void): void => void this.#tasks.push(task)

  get length(): number {
    return this.#tasks.length
  }

  /** Runs the task in front; one that throws is gone. Answers whether there was one. */
  runOne(): boolean {
    const task = this.#tasks.shift()
    task?.()
    return task !== undefined
  }

  /** Runs tasks until none is left. */
  runAll(): void {
    while (this.runOne());
  }

  /** Forgets what was scheduled, as a terminated execution can make it be. */
  loseAll(): void {
    this.#tasks = []
  }
}
