/** `node scripts/checks/imports.ts`: the import rules of .dependency-cruiser.cjs, over modules that were really read. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cruise, type ICruiseOptions } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { root } from './source-files.ts'

const MODULES_MIN = 50

process.chdir(root)
const require = createRequire(import.meta.url)
const { forbidden, options } = require(join(root, '.dependency-cruiser.cjs')) as {
  forbidden: []
  options: ICruiseOptions
}
const result = await cruise(['src'], { ...options, ruleSet: { forbidden }, validate: true }, undefined, {
  tsConfig: extractTSConfig(join(root, 'tsconfig.json')),
})
if (typeof result.output === 'string') throw new Error('expected a result object')
const { totalCruised, totalDependenciesCruised = 0, violations } = result.output.summary
for (const { from, to, rule } of violations) {
  const why = (forbidden as { name: string; comment?: string }[]).find(({ name }) => name === rule.name)?.comment ?? ''
  console.error(`${from} → ${to}: ${rule.name}. ${why}`)
}
if (totalCruised < MODULES_MIN || totalDependenciesCruised < MODULES_MIN) {
  console.error(
    `only ${totalCruised} modules and ${totalDependenciesCruised} imports were read: the check proves nothing`,
  )
  process.exitCode = 1
}
console.log(
  `import rules: ${totalCruised} modules, ${totalDependenciesCruised} imports, ${violations.length} violations`,
)
if (violations.length > 0) process.exitCode = 1
