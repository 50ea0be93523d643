import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Each test file has a temporary directory of its own: what is left in it can only be its own leak. The name is
// short because a socket's path in it may have 107 bytes.
const directory = mkdtempSync(join(tmpdir(), 'mt-'))
process.env['TMPDIR'] = directory
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
