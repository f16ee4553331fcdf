/** Domain code receives clocks, timers, chance, environment and sockets; it never takes them by itself. */
import ts from 'typescript'
import { placeOf, type SourceFile, sourceFiles, visit } from './source-files.ts'

/**
 * The edge: files that touch the world, each the one implementation of a door that domain code receives. A new entry
 * needs a reason that a reader of the file sees at once; the list should only shrink.
 */
const EDGE: readonly RegExp[] = [
  /^src\/machinery\/system-(clock|random)\.ts$/,
  /^src\/store\/(lmdb|etcd)\//,
  /^src\/store\/(backup-file|open-store)\.ts$/, // Files that a user names.
  /^src\/server\/streams\/https-node-connection\.ts$/, // The way to the kubelets.
  /^src\/server\/(http|pki|node)[^.]*/,
  /^src\/client\/https-transport\.ts$/,
  /^src\/kubelet\/(cri|containerd|machine|streams|endpoint)\//,
  /^src\/(dns|proxy|pod-network)\/(\w+\/)?node-[-a-z]+\.ts$/,
  /^src\/fakes\/virtual-clock\.ts$/,
  /^src\/(cli|testing|bin)\//,
]

const GLOBALS = new Map([
  ['setTimeout', 'use clock.schedule or clock.sleep of the Clock you are handed'],
  ['setInterval', 'use clock.schedule of the Clock you are handed'],
  ['setImmediate', 'await a promise, or use clock.schedule of the Clock you are handed'],
  ['fetch', 'receive a door that makes the request'],
  ['WebSocket', 'receive a door that makes the connection'],
])
const MEMBERS = new Map([
  ['Date.now', 'use clock.now() of the Clock you are handed'],
  ['performance.now', 'use clock.monotonicMs() of the Clock you are handed'],
  ['Math.random', 'use random.float() of the Random you are handed'],
  ['process.env', 'read the environment in src/bin and hand the value in'],
  ['process.argv', 'read arguments in src/bin and hand the value in'],
  ['crypto.randomUUID', 'use uuidFrom(random) of machinery/random.ts'],
])
const MODULES =
  /^node:(fs|fs\/promises|net|tls|http|https|http2|dgram|child_process|os|timers|timers\/promises|dns|worker_threads|cluster)$/

function problemsOf(file: SourceFile): string[] {
  const problems: string[] = []
  const report = (node: ts.Node, what: string, instead: string): void => {
    problems.push(`${placeOf(file, node)}: ${what} in domain code; ${instead}`)
  }
  visit(file.tree, node => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const instead = GLOBALS.get(node.expression.text)
      if (instead) report(node, node.expression.text, instead)
    }
    if (ts.isPropertyAccessExpression(node)) {
      const name = `${node.expression.getText(file.tree)}.${node.name.text}`
      const instead = MEMBERS.get(name)
      if (instead) report(node, name, instead)
    }
    if (ts.isNewExpression(node) && node.expression.getText(file.tree) === 'Date' && !node.arguments?.length) {
      report(node, 'new Date()', 'use clock.now() of the Clock you are handed')
    }
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const isTypeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      if (!isTypeOnly && MODULES.test(node.moduleSpecifier.text)) {
        report(node, node.moduleSpecifier.text, 'receive a door, and implement it in a file of the edge')
      }
    }
  })
  return problems
}

/** Every place where domain code reaches for the world. */
export const pureDomainProblems = (): string[] =>
  sourceFiles()
    .filter(({ path }) => !EDGE.some(pattern => pattern.test(path)))
    .flatMap(problemsOf)
