import { Counter, type Registry } from 'prom-client'
import { Rcode } from './message/message.ts'

const NAMES = new Map<number, string>(Object.entries(Rcode).map(([name, code]) => [code, name]))

/** Counts answers by response code. Without a registry, counts nothing. */
export function answerCounter(registry: Registry | undefined): (rcode: number) => void {
  if (!registry) return () => {}
  const answers = new Counter({
    name: 'holdfast_dns_answers_total',
    help: 'Answers of the DNS server by response code.',
    labelNames: ['rcode'],
    registers: [registry],
  })
  const children = new Map<number, Counter.Internal>()
  return rcode => {
    let child = children.get(rcode)
    if (!child) {
      child = answers.labels({ rcode: NAMES.get(rcode) ?? String(rcode) })
      children.set(rcode, child)
    }
    child.inc()
  }
}
