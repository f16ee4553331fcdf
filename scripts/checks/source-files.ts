import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'

export const root = join(import.meta.dirname, '../..')

export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string
  readonly lineCount: number
  readonly tree: ts.SourceFile
}

/** Every TypeScript file under `src/` that people write: no tests, nothing generated. Throws when it finds none. */
export function sourceFiles(): SourceFile[] {
  const paths = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts') && !/(\.test|fixtures?)\.ts$/.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
    .filter(path => !/^src\/api\/[^/]+\/types\.ts$/.test(path))
    .sort()
  if (paths.length === 0) throw new Error('no source files found under src/: the check would prove nothing')
  return paths.map(path => {
    const text = readFileSync(join(root, path), 'utf8')
    const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS)
    return { path, lineCount: text.split('\n').length - 1, tree }
  })
}

/** `src/a/b.ts:12`, for editors and people. */
export function placeOf({ path, tree }: SourceFile, node: ts.Node): string {
  return `${path}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`
}

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  node.forEachChild(child => visit(child, see))
}
