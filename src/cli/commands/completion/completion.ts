import type { Command } from 'commander'
import { CommandError } from '../../terminal.ts'

interface Completable {
  readonly path: string
  readonly words: readonly string[]
}

/** Every command with the words that may follow it: sub-commands and flags. */
function completables(command: Command, path = ''): Completable[] {
  const flags = command.options.flatMap(({ long }) => long ?? [])
  const children = command.commands.map(child => child.name())
  return [
    { path, words: [...children, ...flags, '--help'] },
    ...command.commands.flatMap(child => completables(child, `${path} ${child.name()}`.trim())),
  ]
}

/** A completion script, made from the commands themselves so that it cannot be out of date. */
export function completionScript(shell: string, program: Command): string {
  const entries = completables(program)
  switch (shell) {
    case 'bash':
      return bashScript(entries)
    case 'zsh':
      return `#compdef holdfast\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(entries)}`
    case 'fish':
      return fishScript(entries)
    default:
      throw new CommandError(`no completion for "${shell}"`, { advice: 'There is one for bash, zsh and fish.' })
  }
}

const bashScript = (entries: readonly Completable[]): string => `_holdfast() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  local words=""
  while :; do
    case "$path" in
${entries.map(({ path, words }) => `      "${path}") words="${words.join(' ')}"; break ;;`).join('\n')}
      *" "*) path="\${path% *}" ;;
      *) path="" ;;
    esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _holdfast holdfast
`

function fishScript(entries: readonly Completable[]): string {
  const lines = entries.flatMap(({ path, words }) => {
    const condition = path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`
    return words.map(word =>
      word.startsWith('--')
        ? `complete -c holdfast -f -n '${condition}' -l ${word.slice(2)}`
        : `complete -c holdfast -f -n '${condition}' -a ${word}`,
    )
  })
  return `${lines.join('\n')}\n`
}
