import type { Setting, SettingTable } from '../../config/setting.ts'
import type { CommandContext } from '../command-context.ts'

interface UnitOptions {
  /** The command that the unit runs. */
  readonly command: 'server' | 'agent'
  readonly settings: SettingTable
  /** What was said on the command line, by setting name. */
  readonly flags: Readonly<Record<string, unknown>>
}

/** What systemd gives a service to stop unless told otherwise. */
const STOP_SECONDS = 90

/**
 * A systemd unit that runs a server or an agent with these flags. Containers, and the containerd that keeps them, are
 * not the service's to stop: they go on while Holdfast is stopped, started again or upgraded.
 */
export function unitText({ command, settings, flags }: UnitOptions, { self }: CommandContext): string {
  const words = [...self, command, ...wordsOf(settings, flags)]
  return [
    '[Unit]',
    `Description=Holdfast ${command}`,
    'Wants=network-online.target',
    'After=network-online.target etcd.service',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${words.map(quoted).join(' ')}`,
    'Restart=always',
    'RestartSec=2',
    ...(flags.shutdownGrace ? [`TimeoutStopSec=${Number(flags.shutdownGrace) + STOP_SECONDS}`] : []),
    '# Only the process itself is stopped: containers and their containerd go on.',
    'KillMode=process',
    'Delegate=yes',
    'TasksMax=infinity',
    'LimitNOFILE=1048576',
    'OOMScoreAdjust=-999',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n')
}

/** The flags again, as they were said. */
function wordsOf(settings: SettingTable, flags: UnitOptions['flags']): readonly string[] {
  const said = (name: string, { flag }: Pick<Setting, 'flag'>): readonly string[] => {
    const value = flags[name]
    if (value === undefined) return []
    if (Array.isArray(value)) return value.flatMap(item => [`--${flag}`, String(item)])
    if (typeof value === 'boolean') return [value ? `--${flag}` : `--no-${flag}`]
    return [`--${flag}`, String(value)]
  }
  return [
    ...said('config', { flag: 'config' }),
    ...Object.entries(settings).flatMap(([name, setting]) => said(name, setting)),
  ]
}

/** As systemd.service(5) reads a word: in quotes where needed, `%` and `$` doubled. */
function quoted(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$[\]-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`
}
