import { Duplex, PassThrough, type Readable } from 'node:stream'
import { constants, createDeflate } from 'node:zlib'
import { expect, test } from 'vitest'
import { SPDY_DICTIONARY } from './dictionary.ts'
import { HeaderPacker, HeaderUnpacker } from './header-block.ts'
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts'

/** Two ends of one wire. */
function wire(): { left: Duplex; right: Duplex } {
  const there = new PassThrough()
  const back = new PassThrough()
  return {
    left: Duplex.from({ writable: there, readable: back }),
    right: Duplex.from({ writable: back, readable: there }),
  }
}

function connected(onStream: (stream: SpdyStream) => void): { client: SpdyConnection; server: SpdyConnection } {
  const { left, right } = wire()
  const server = new SpdyConnection(right, { role: 'server', onStream })
  return { client: new SpdyConnection(left, { role: 'client' }), server }
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

test('the dictionary is the one of the specification', () => {
  let a = 1
  let b = 0
  for (const byte of SPDY_DICTIONARY) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  expect((((b << 16) | a) >>> 0).toString(16)).toBe('e3c6a7c2') // Adler-32, as peers check it.
})

test('streams carry headers, data both ways, and each end by itself', async () => {
  const { client } = connected(stream => {
    void textOf(stream).then(text => stream.end(`${stream.headers.streamtype} heard ${text}`))
  })
  const streams = await Promise.all(['stdin', 'stdout'].map(streamtype => client.open({ streamType: streamtype })))
  for (const [index, stream] of streams.entries()) stream.end(`message ${index}`)
  expect(await Promise.all(streams.map(textOf))).toEqual(['stdin heard message 0', 'stdout heard message 1'])
})

test('many megabytes pass whole while the reader is slow', async () => {
  const size = 5_000_000
  const { client } = connected(stream => {
    stream.resume()
    stream.end(Buffer.alloc(size, 7))
  })
  const stream = await client.open({ streamType: 'stdout' })
  stream.end()
  let seen = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    seen += chunk.length
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(seen).toBe(size)
})

test('a lost connection ends what is read, and refuses what is written', async () => {
  const { client, server } = connected(stream => stream.write('some'))
  const stream = await client.open({ streamType: 'stdout' })
  await new Promise(resolve => stream.once('readable', resolve))
  server.close()
  client.close()
  expect(await textOf(stream)).toBe('some')
  await client.closed
  await expect(client.open({ streamType: 'late' })).rejects.toThrow()
})

test('headers that others compress with the dictionary are understood', async () => {
  const deflate = createDeflate({ dictionary: SPDY_DICTIONARY })
  const compressed = (block: Buffer): Promise<Buffer> =>
    new Promise(resolve => {
      deflate.write(block)
      deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(deflate.read() as Buffer))
    })
  const unpacker = new HeaderUnpacker()
  const block = Buffer.from('\0\0\0\x01\0\0\0\x04host\0\0\0\x03a\0b', 'latin1')
  expect(await unpacker.unpack(await compressed(block))).toEqual({ host: 'a,b' })
  expect(await unpacker.unpack(await compressed(block))).toEqual({ host: 'a,b' })
})

test('headers that we pack are understood, block after block', async () => {
  const packer = new HeaderPacker()
  const unpacker = new HeaderUnpacker()
  for (const value of ['a', 'b'.repeat(70_000)]) {
    expect(await unpacker.unpack(packer.pack({ Name: value }))).toEqual({ name: value })
  }
})

test('headers that unpack to a flood are refused', async () => {
  const packer = new HeaderPacker()
  await expect(new HeaderUnpacker().unpack(packer.pack({ flood: 'x'.repeat(2_000_000) }))).rejects.toThrow('too long')
})
