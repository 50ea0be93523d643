/**
 * Lets a debugger attach to this process: on loopback, at a port that the system chooses.
 *
 * Node.js says on stderr where it listens, and can't be told not to. Start the process with
 * `--inspect-publish-uid=stderr`: else whoever can connect to the port, any user of the machine, is told the URL by a
 * plain HTTP request, and the URL is all that one needs to run code here.
 * @returns the URL of the debugger's WebSocket
 * @throws {Error} with the code ERR_ACCESS_DENIED where the permission model forbids it
 */
export function openDebugger(): string {
  // Not imported: this Node.js may have been built without it, and few workers want it.
  const { open, url, close } = process.getBuiltinModule('node:inspector')
  open(0, '127.0.0.1')
  const address = url()
  if (address === undefined) throw new Error('This Node.js opened no inspector.')
  // A process that exits waits until its debugger lets go, which may be never. So the debugger is sent away first.
  process.on('exit', () => close())
  return address
}
