import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'

/** The binary messages of a WebSocket as one stream of bytes each way. */
export function duplexOf(websocket: WebSocket): Duplex {
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => websocket.resume(),
    write(chunk: Buffer, _encoding, done) {
      websocket.send(chunk, { binary: true }, error => done(error ?? null))
    },
    final(done) {
      websocket.close()
      done()
    },
    destroy(error, done) {
      websocket.terminate()
      done(error)
    },
  })
  websocket.on('message', data => {
    if (!stream.push(bytesOf(data))) websocket.pause()
  })
  websocket.once('close', () => {
    if (!stream.readableEnded) stream.push(null)
  })
  websocket.once('error', error => stream.destroy(error))
  return stream
}

export function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}
