import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import '../../examples/testing/guide.test.ts' // The examples are tests themselves.

const root = new URL('../../', import.meta.url)

/** The lines that matter, however they are indented. */
const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('import '))

const examples = readdirSync(new URL('examples/testing/', root))
  .map(file => linesOf(readFileSync(new URL(`examples/testing/${file}`, root), 'utf8')).join('\n'))
  .join('\n')

const guide = readFileSync(new URL('docs/testing.md', root), 'utf8')
const snippets = [...guide.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => linesOf(code!).join('\n'))

test('the guide has examples', () => {
  expect(snippets.length).toBeGreaterThan(3)
})

test.each(snippets)('the example of the guide is one that runs: %s', snippet => {
  expect(examples).toContain(snippet)
})
