import { createServer } from 'node:http'
import { duplexPair } from 'node:stream'
import type { FakeContainer } from '../fakes/machine/fake-container.ts'
import type { PortConnection } from '../kubelet/doors.ts'

/** A connection to a port of a container whose image answers HTTP. No socket is opened. */
export function httpPort({ parts, process }: FakeContainer, port: number): PortConnection {
  const server = createServer((request, response) => {
    const { status = 200, body = '' } = parts.image.answer?.({ port, path: request.url ?? '/' }, process) ?? {}
    response.writeHead(status, { 'content-type': 'text/plain' }).end(body)
  })
  const [inside, outside] = duplexPair()
  server.emit('connection', inside)
  return { input: outside, output: outside, ended: new Promise(resolve => outside.once('close', resolve)) }
}
