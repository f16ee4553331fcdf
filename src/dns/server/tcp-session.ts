import type { Clock } from '../../machinery/clock.ts'
import type { TcpConnection } from './dns-sockets.ts'
import type { Responder } from './responder.ts'

/** RFC 7766 section 6.2.3 asks for a few seconds at least; clients that want more open another connection. */
const IDLE_MS = 10_000

/** Serves one connection, message after message, until the client goes, is idle, or `signal` is aborted. */
export async function serveTcp(
  connection: TcpConnection,
  { respond, clock, signal }: { respond: Responder; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const close = (): void => connection.close()
  signal.addEventListener('abort', close, { once: true })
  let idle = clock.schedule(IDLE_MS, close)
  try {
    for await (const packet of framesOf(connection.received)) {
      idle.cancel()
      // One question at a time: a client that does not take its answers is not served more of them.
      const answer = await respond(packet, 'tcp')
      if (answer) await connection.send(framed(answer))
      idle = clock.schedule(IDLE_MS, close)
    }
  } catch {
    // The connection broke; the client knows as much.
  } finally {
    idle.cancel()
    signal.removeEventListener('abort', close)
    connection.close()
  }
}

/** Each message has its length before it (RFC 1035 section 4.2.2). */
async function* framesOf(received: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of received) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      yield rest.subarray(2, end)
      rest = rest.subarray(end)
    }
  }
}

function framed(packet: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(packet.length + 2)
  frame.writeUInt16BE(packet.length, 0)
  packet.copy(frame, 2)
  return frame
}
