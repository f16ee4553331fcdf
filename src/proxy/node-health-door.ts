import { once } from 'node:events'
import { createServer } from 'node:http'
import type { HealthDoor } from './health-checks.ts'

export const nodeHealthDoor: HealthDoor = {
  async listen(port, answer) {
    const server = createServer((_request, response) => {
      const { status, body } = answer()
      response.writeHead(status, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }).end(body)
    })
    server.listen(port)
    await once(server, 'listening')
    return {
      [Symbol.asyncDispose]: () =>
        new Promise(resolve => {
          server.close(() => resolve())
          server.closeAllConnections()
        }),
    }
  },
}
