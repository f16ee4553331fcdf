/** Files and functions stay small enough to read at once. */
import ts from 'typescript'
import { placeOf, type SourceFile, sourceFiles, visit } from './source-files.ts'

const FILE_LINES_MAX = 700
const FUNCTION_LINES_MAX = 70

/** Larger than the caps, each with its reason. The list only shrinks. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map<string, string>([
  ['src/store/contract/watches.ts', 'a suite of tests, registered by one function for each driver'],
])

function problemsOf(file: SourceFile): string[] {
  const problems: string[] = []
  if (file.lineCount > FILE_LINES_MAX) {
    problems.push(`${file.path}: ${file.lineCount} lines, the cap is ${FILE_LINES_MAX}; split it by idea`)
  }
  visit(file.tree, node => {
    if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) return
    const lines =
      file.tree.getLineAndCharacterOfPosition(node.end).line -
      file.tree.getLineAndCharacterOfPosition(node.getStart(file.tree)).line +
      1
    if (lines <= FUNCTION_LINES_MAX) return
    problems.push(
      `${placeOf(file, node)}: a function of ${lines} lines, the cap is ${FUNCTION_LINES_MAX}; name its parts`,
    )
  })
  return problems
}

export const sizeProblems = (): string[] =>
  sourceFiles()
    .filter(({ path }) => !EXCEPTIONS.has(path))
    .flatMap(problemsOf)
