import { createHash } from 'node:crypto'
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { StoreOpenError } from '../open-error.ts'

const OWNER_FILE = 'owner.json'

interface Owner {
  readonly pid: number
  /** Tells a process from a later one with the same id. */
  readonly startedAt: string
}

/**
 * Makes this process the owner of `directory` until disposed. The lock proper is a socket in Linux's abstract
 * namespace, which the kernel gives back however the process ends. The file names the owner for the error message, and
 * covers owners in another network namespace, who share the directory but not the sockets.
 */
export async function own(directory: string): Promise<AsyncDisposable> {
  const socket = await lock(directory)
  const file = join(directory, OWNER_FILE)
  const other = readOwner(file)
  if (other && other.pid !== process.pid && startOf(other.pid) === other.startedAt) {
    socket?.close()
    throw ownedBy(directory, other)
  }
  writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: startOf(process.pid) ?? '' } satisfies Owner))
  return {
    async [Symbol.asyncDispose]() {
      rmSync(file, { force: true })
      if (socket) await new Promise(resolve => socket.close(resolve))
    },
  }
}

async function lock(directory: string): Promise<Server | undefined> {
  if (process.platform !== 'linux') return undefined
  const { dev, ino } = statSync(directory)
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex')
  const server = createServer(connection => connection.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(`\0holdfast-store-${name}`, resolve)
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw ownedBy(directory, readOwner(join(directory, OWNER_FILE)))
  }
  server.unref()
  return server
}

function ownedBy(directory: string, owner: Owner | undefined): StoreOpenError {
  const who = owner ? `process ${owner.pid}` : 'another process, which is just starting,'
  return new StoreOpenError('owned', `${who} has the store in ${directory} open; a store has one owner at a time`)
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    return undefined // There is none, or it died while writing.
  }
}

/** When the process began, in the kernel's ticks; undefined if there is none, or only its unread exit code is left. */
function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return fields[19] // Field 22 of proc_pid_stat(5); the first two are cut off here.
  } catch {
    return undefined
  }
}
