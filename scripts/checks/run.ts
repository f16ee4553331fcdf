/** `node scripts/checks/run.ts`: the checks of the repository that no linter knows. */
import { pureDomainProblems } from './pure-domain.ts'
import { readmeProblems } from './readmes.ts'
import { sizeProblems } from './sizes.ts'
import { statefulSetRuleProblems } from './stateful-set-rules.ts'

const problems = [...pureDomainProblems(), ...sizeProblems(), ...readmeProblems(), ...statefulSetRuleProblems()]
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? 'repository checks: fine' : `repository checks: ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
