/** The host is gone, or the lane to it: nothing of this process group may outlive it. */
export function endGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    // Not the leader of a group (a launcher may have decided so): at least this process.
    process.kill(process.pid, 'SIGKILL')
  }
}
