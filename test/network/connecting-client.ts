/** A program for measurements: connects so many times to each target in turns, and prints the mean microseconds of each. */
import { once } from 'node:events'
import { connect } from 'node:net'

const [count, ...targets] = process.argv.slice(2)
const sums = targets.map(() => 0)
const WARM_UP = 50
for (let round = -WARM_UP; round < Number(count); round++) {
  for (const [index, target] of targets.entries()) {
    const [host, port] = target.split(':')
    const startedMs = performance.now()
    const socket = connect({ host: host!, port: Number(port), noDelay: true })
    await once(socket, 'connect')
    if (round >= 0) sums[index]! += performance.now() - startedMs
    socket.resetAndDestroy()
  }
}
process.stdout.write(`${JSON.stringify(sums.map(sum => Math.round((sum / Number(count)) * 1000)))}\n`)
