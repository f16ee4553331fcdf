/** Every component says the same five things about itself. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './source-files.ts'

const SECTIONS = ['Purpose', 'How to read it', 'Guarantees', 'Limits', 'Metrics']
/** Wire types, all generated but one file. */
const WITHOUT = new Set(['api'])

/** What the README of each component lacks. */
export function readmeProblems(): string[] {
  const components = readdirSync(join(root, 'src'), { withFileTypes: true }).filter(
    entry => entry.isDirectory() && !WITHOUT.has(entry.name),
  )
  return components.flatMap(({ name }) => {
    const path = join(root, 'src', name, 'README.md')
    if (readdirSync(join(root, 'src', name)).length === 0) return []
    if (!existsSync(path)) return [`src/${name}/README.md is missing; say in it: ${SECTIONS.join(', ')}`]
    const text = readFileSync(path, 'utf8')
    return SECTIONS.filter(section => !text.includes(`\n## ${section}\n`)).map(
      section => `src/${name}/README.md lacks the section "${section}"`,
    )
  })
}
