import { type FileHandle, open } from 'node:fs/promises'
import type { LogLine } from '../doors.ts'

const BLOCK_BYTES = 64 * 1024
const NEWLINE = 0x0a
const SPACE = 0x20

/** One line of the CRI log format: `<time> <stream> <P|F> <text>`; P: the line goes on in the next. */
function logLineFrom(line: Buffer): LogLine | undefined {
  const first = line.indexOf(SPACE)
  const second = line.indexOf(SPACE, first + 1)
  const third = line.indexOf(SPACE, second + 1)
  if (first < 0 || second < 0 || third < 0) return undefined
  const isWhole = line[second + 1] === 0x46
  const text = line.subarray(third + 1)
  return {
    time: line.toString('latin1', 0, first),
    stream: line.toString('latin1', first + 1, second) === 'stderr' ? 'stderr' : 'stdout',
    content: isWhole ? Buffer.concat([text, Buffer.from('\n')]) : text,
  }
}

/** Reads the lines of a log file as they are written. */
export class LogFile {
  readonly #file: FileHandle
  #at = 0
  #rest = Buffer.alloc(0)

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** Undefined when there is no such file. */
  static async open(path: string): Promise<LogFile | undefined> {
    try {
      return new LogFile(await open(path, 'r'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** The lines that are complete now. */
  async *lines(): AsyncIterable<LogLine> {
    for (;;) {
      const { buffer, bytesRead } = await this.#file.read(Buffer.allocUnsafe(BLOCK_BYTES), 0, BLOCK_BYTES, this.#at)
      if (bytesRead === 0) return
      this.#at += bytesRead
      yield* this.#cut(buffer.subarray(0, bytesRead))
    }
  }

  /** Goes to where the last `count` lines begin. */
  async seekTail(count: number): Promise<void> {
    let { size: at } = await this.#file.stat()
    let left = count + 1 // The file ends with the line break of its last line.
    while (at > 0 && left > 0) {
      const length = Math.min(BLOCK_BYTES, at)
      at -= length
      const { buffer } = await this.#file.read(Buffer.allocUnsafe(length), 0, length, at)
      for (let index = length - 1; index >= 0; index--) {
        if (buffer[index] === NEWLINE && --left === 0) {
          this.#at = at + index + 1
          return
        }
      }
    }
    this.#at = 0
  }

  inode(): Promise<number> {
    return this.#file.stat().then(({ ino }) => ino)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #cut(chunk: Buffer): readonly LogLine[] {
    const lines: LogLine[] = []
    const all = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let start = 0
    for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, start)) {
      const line = logLineFrom(all.subarray(start, end))
      if (line) lines.push(line)
      start = end + 1
    }
    this.#rest = Buffer.from(all.subarray(start))
    return lines
  }
}
