/**
 * Builds container images from Debian packages, for machines that reach no registry:
 *
 *     node scripts/images/build-images.ts --out DIRECTORY [busybox nginx etcd …]
 *
 * Load them with `holdfast image load DIRECTORY/nginx.tar`.
 */
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ociArchiveOf } from '../../src/kubelet/images/oci-archive.ts'
import { type TarEntry, tarOf } from '../../src/kubelet/images/tar-archive.ts'
import { RECIPES, type Recipe } from './recipes.ts'

/** Nobody reads them in a container. */
const LEFT_OUT = /^usr\/share\/(doc|man|locale|lintian|bug|zsh|bash-completion)(\/|$)/
const PASSWD =
  'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n'
const GROUP = 'root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n'

/** The image of a recipe, as one file. */
export function buildImage({ names, packages, config, files = {}, directories = {} }: Recipe): Buffer {
  const work = mkdtempSync(join(tmpdir(), 'holdfast-packages-'))
  try {
    const tree = join(work, 'tree')
    mkdirSync(tree)
    for (const name of ['busybox-static', ...packages]) unpack(name, { work, tree })
    const entries = new Map<string, TarEntry>()
    const put = (entry: TarEntry): unknown => entries.set(entry.path, entry)
    for (const [path, mode] of Object.entries({ ...DIRECTORIES, ...directories }))
      put({ path, type: 'directory', mode })
    for (const entry of entriesOf(tree, '')) put(entry)
    for (const entry of appletsOf(tree)) if (!entries.has(entry.path)) put(entry)
    put({ path: 'etc/passwd', type: 'file', content: Buffer.from(PASSWD) })
    put({ path: 'etc/group', type: 'file', content: Buffer.from(GROUP) })
    put({ path: 'etc/nsswitch.conf', type: 'file', content: Buffer.from('hosts: files dns\n') })
    for (const [path, { content, mode = 0o644 }] of Object.entries(files)) {
      put({ path, type: 'file', content: Buffer.from(content), mode })
    }
    return ociArchiveOf({ names, architecture: architecture(), config, layers: [tarOf(withParents(entries))] })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

const DIRECTORIES: Readonly<Record<string, number>> = {
  bin: 0o755,
  dev: 0o755,
  etc: 0o755,
  proc: 0o755,
  root: 0o700,
  run: 0o755,
  sys: 0o755,
  tmp: 0o1777,
  var: 0o755,
}

function unpack(name: string, { work, tree }: { work: string; tree: string }): void {
  const into = mkdtempSync(join(work, 'package-'))
  execFileSync('apt-get', ['download', '--quiet', '--quiet', '-o', 'APT::Sandbox::User=root', name], {
    cwd: into,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [file] = readdirSync(into)
  if (!file) throw new Error(`the package ${name} could not be downloaded`)
  execFileSync('dpkg-deb', ['--extract', join(into, file), tree])
}

/** Everything below a directory, in one order on every machine. */
function* entriesOf(root: string, below: string): Iterable<TarEntry> {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = below ? `${below}/${entry.name}` : entry.name
    if (LEFT_OUT.test(path)) continue
    const full = join(root, path)
    if (entry.isSymbolicLink()) yield { path, type: 'symlink', target: readlinkSync(full) }
    else if (entry.isDirectory()) {
      yield { path, type: 'directory', mode: statSync(full).mode & 0o7777 }
      yield* entriesOf(root, path)
    } else if (entry.isFile())
      yield { path, type: 'file', content: readFileSync(full), mode: statSync(full).mode & 0o7777 }
  }
}

/** A link for each command that busybox knows. */
function* appletsOf(tree: string): Iterable<TarEntry> {
  const applets = execFileSync(join(tree, 'bin/busybox'), ['--list'], { encoding: 'utf8' }).split('\n').filter(Boolean)
  for (const applet of applets) {
    if (applet !== 'busybox') yield { path: `bin/${applet}`, type: 'symlink', target: '/bin/busybox' }
  }
}

/** Parents come before what is in them. */
function withParents(entries: ReadonlyMap<string, TarEntry>): readonly TarEntry[] {
  const all = new Map<string, TarEntry>()
  for (const entry of [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const parts = entry.path.split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth++) {
      const parent = parts.slice(0, depth).join('/')
      if (!all.has(parent)) all.set(parent, entries.get(parent) ?? { path: parent, type: 'directory' })
    }
    all.set(entry.path, entry)
  }
  return [...all.values()]
}

const architecture = (): string => execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true })
  if (!values.out) throw new Error('say where to write the images: --out DIRECTORY')
  mkdirSync(values.out, { recursive: true })
  for (const recipe of RECIPES) {
    if (positionals.length > 0 && !positionals.includes(recipe.id)) continue
    const path = join(values.out, `${recipe.id}.tar`)
    writeFileSync(path, buildImage(recipe))
    process.stdout.write(`${path}: ${recipe.names.join(', ')}\n`)
  }
}
