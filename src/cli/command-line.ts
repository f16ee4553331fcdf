import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { CommandContext } from './commands/command-context.ts'
import { completionScript } from './commands/completion/completion.ts'
import { type CleanMachine, down } from './commands/down/down.ts'
import { logs } from './commands/logs/logs.ts'
import { status } from './commands/status/status.ts'
import { unitText } from './commands/unit/unit.ts'
import { savedSettings } from './commands/up/saved-config.ts'
import { up } from './commands/up/up.ts'
import { type AgentConfig, agentSettings } from './config/agent-settings.ts'
import { agentConfigFrom, clusterConfigFrom } from './config/cluster-config.ts'
import { type SettingTable, variableOf } from './config/setting.ts'
import { type ClusterConfig, clusterSettings } from './config/settings.ts'
import type { ConfigSources } from './config/values-from.ts'
import { dataLayoutOf } from './host/data-layout.ts'
import { adminKubeconfigText } from './host/local-cluster.ts'
import { MachineDrills, type PowerOff } from './machines/machine-drills.ts'
import { CommandError, reasonOf } from './terminal.ts'

export interface ControllersOptions {
  readonly kubeconfig: string
  readonly context?: string
  /** `NAME=true` or `NAME=false`, as the API server has them. */
  readonly featureGates: readonly string[]
}

/** What the command line cannot do by itself: it is made of parts that only `bin/` may put together. */
export interface CommandDoors {
  readonly runServer: (config: ClusterConfig) => Promise<void>
  readonly runAgent: (config: AgentConfig) => Promise<void>
  readonly runControllers: (options: ControllersOptions) => Promise<void>
  readonly cleanMachine: CleanMachine
  readonly powerOff: PowerOff
  readonly makeToken: (options: { readonly dataDir: string; readonly ttl: string }) => Promise<string>
  readonly images: {
    readonly load: (options: {
      readonly dataDir: string
      readonly files: readonly string[]
      readonly node?: string
    }) => Promise<string>
    readonly list: (options: { readonly dataDir: string; readonly node?: string }) => Promise<string>
    readonly remove: (options: {
      readonly dataDir: string
      readonly images: readonly string[]
      readonly node?: string
    }) => Promise<string>
  }
  readonly store: {
    readonly verify: (config: ClusterConfig) => Promise<string>
    readonly backup: (config: ClusterConfig, file: string) => Promise<string>
    readonly restore: (config: ClusterConfig, file: string) => Promise<string>
    readonly compact: (config: ClusterConfig) => Promise<string>
  }
}

const { featureGates } = clusterSettings

/** The whole command line. Flags of commands that start a cluster come from the settings, so that they cannot differ. */
export function commandLine(context: CommandContext, doors: CommandDoors): Command {
  const { terminal } = context
  const program = new Command('holdfast')
    .description('A Kubernetes for stateful services: kubectl drives it unchanged.')
    .version(context.version, '-V, --version')
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({ writeOut: text => terminal.out(text), writeErr: text => terminal.error(text) })
  addClusterCommands(program, context, doors)
  addUnits(program, context)
  addMachineCommands(program, context, doors)
  addDataCommands(program, context, doors)
  program
    .command('version')
    .description('print the version')
    .action(() => terminal.out(`holdfast ${context.version}\n`))
  program
    .command('completion <shell>')
    .description('print a completion script for bash, zsh or fish')
    .action((shell: string) => terminal.out(completionScript(shell, program)))
  return program
}

function addClusterCommands(program: Command, context: CommandContext, doors: CommandDoors): void {
  const { terminal } = context
  withSettings(program.command('up').description('bring a cluster up in the background')).action((flags: Flags) =>
    up(configFrom(flags, context), context, doors.cleanMachine),
  )
  withDataDir(program.command('down').description('stop the cluster; its data stays'))
    .option('--purge', 'remove its data as well', false)
    .action((options: { dataDir: string; purge: boolean }) => down(options, context, doors.cleanMachine))
  withDataDir(program.command('status').description('every part, machine and trouble')).action(
    (options: { dataDir: string }) => status(options, terminal),
  )
  withDataDir(program.command('logs <part>').description('print the log of a part: server, or the name of a machine'))
    .option('-f, --follow', 'go on as lines are written', false)
    .action((part: string, options: { dataDir: string; follow: boolean }) => logs({ ...options, part }, terminal))
  withSettings(program.command('server').description('run a server in the foreground, for service managers')).action(
    (flags: Flags) => doors.runServer(clusterConfigFrom(sourcesOf(flags, context))),
  )
  program
    .command('controllers')
    .description('run the controllers and the scheduler against any conformant API server')
    .requiredOption('--kubeconfig <file>', 'how to reach the server')
    .option('--context <name>', 'context of the kubeconfig')
    .option(`--feature-gates <${featureGates.placeholder}>`, `${featureGates.help} (as the server has them)`, collected)
    .action((options: Omit<ControllersOptions, 'featureGates'> & { featureGates?: readonly string[] }) =>
      doors.runControllers({ ...options, featureGates: checkedGates(options) }),
    )
  withDataDir(program.command('kubeconfig').description("print an administrator's kubeconfig")).action(
    ({ dataDir }: { dataDir: string }) => terminal.out(adminKubeconfigText(dataLayoutOf(dataDir))),
  )
  withDataDir(program.command('token').description('make a token with which machines join'))
    .option('--ttl <duration>', 'how long it is good for', '24h')
    .action(async (options: { dataDir: string; ttl: string }) => terminal.out(`${await doors.makeToken(options)}\n`))
}

/** Flags are checked like those of the command itself, so that a unit that is printed also starts. */
function addUnits(program: Command, context: CommandContext): void {
  const unit = program.command('unit').description('print a systemd unit for a server or an agent with these flags')
  const print = (command: 'server' | 'agent', settings: SettingTable, flags: Flags): unknown =>
    context.terminal.out(
      unitText({ command, settings, flags: { ...flags, ...absolutePaths(settings, flags) } }, context),
    )
  withSettings(unit.command('server').description('for "holdfast server"')).action((flags: Flags) => {
    clusterConfigFrom(sourcesOf(flags, context))
    print('server', clusterSettings, flags)
  })
  withSettings(unit.command('agent').description('for "holdfast agent"'), agentSettings).action((flags: Flags) => {
    agentConfigFrom(sourcesOf(flags, context))
    print('agent', agentSettings, flags)
  })
}

/** A service starts in another directory than the one where its unit was printed. */
const absolutePaths = (settings: SettingTable, flags: Flags): Record<string, string> =>
  Object.fromEntries(
    ['config', ...Object.keys(settings).filter(name => settings[name]!.type === 'path')]
      .filter(name => typeof flags[name] === 'string')
      .map(name => [name, resolve(String(flags[name]))]),
  )

function addMachineCommands(program: Command, context: CommandContext, doors: CommandDoors): void {
  const { terminal } = context
  addAgent(program, context, doors)
  const node = program.command('node').description('failures and changes of machines that "up --nodes" made')
  const drills: readonly (readonly [name: 'stop' | 'start' | 'cut' | 'heal' | 'add' | 'remove', help: string])[] = [
    ['stop', 'take its power away'],
    ['start', 'switch it on again'],
    ['cut', 'pull its network cable'],
    ['heal', 'plug the cable in again'],
    ['add', 'make one more'],
    ['remove', 'take it out of the cluster, with its data'],
  ]
  for (const [drill, help] of drills) {
    withDataDir(node.command(`${drill} <name>`).description(help)).action(
      async (name: string, { dataDir }: { dataDir: string }) =>
        terminal.out(`${await new MachineDrills(dataDir, context, doors)[drill](name)}\n`),
    )
  }
  const image = program.command('image').description('images on the machines, without any registry')
  const onNode = (command: Command): Command =>
    withDataDir(command).option('--node <name>', 'only this machine (default: all)')
  onNode(image.command('load <files...>').description('load docker or OCI archives')).action(
    async (files: string[], options: { dataDir: string; node?: string }) =>
      terminal.out(await doors.images.load({ ...options, files })),
  )
  onNode(image.command('list').alias('ls').description('what is there')).action(
    async (options: { dataDir: string; node?: string }) => terminal.out(await doors.images.list(options)),
  )
  onNode(image.command('remove <images...>').alias('rm').description('remove by name')).action(
    async (images: string[], options: { dataDir: string; node?: string }) =>
      terminal.out(await doors.images.remove({ ...options, images })),
  )
}

function addAgent(program: Command, context: CommandContext, doors: CommandDoors): void {
  const command = program.command('agent').description('run this machine as part of a cluster, in the foreground')
  withSettings(command, agentSettings).action((flags: Flags) =>
    doors.runAgent(agentConfigFrom(sourcesOf(flags, context))),
  )
}

function addDataCommands(program: Command, context: CommandContext, { store }: CommandDoors): void {
  const { terminal } = context
  const command = program.command('store').description("the cluster's store: check it, save it, bring it back")
  const add = (name: string, help: string, run: (config: ClusterConfig, file: string) => Promise<string>): void => {
    withSettings(command.command(name).description(help)).action(async (...args: unknown[]) => {
      const file = typeof args[0] === 'string' ? args[0] : ''
      const flags = args.find(
        (argument): argument is Flags => typeof argument === 'object' && !(argument instanceof Command),
      )!
      terminal.out(`${await run(configFrom(flags, context), file)}\n`)
    })
  }
  add('verify', 'look for broken invariants', config => store.verify(config))
  add('backup <file>', 'write everything to a file', (config, file) => store.backup(config, file))
  add('restore <file>', 'bring a backup back', (config, file) => store.restore(config, file))
  add('compact', 'forget history and give room back', config => store.compact(config))
}

type Flags = Readonly<Record<string, unknown>> & { readonly config?: string }

function sourcesOf({ config: path, ...flags }: Flags, { environment }: CommandContext): ConfigSources {
  const file = path ?? environment.HOLDFAST_CONFIG
  return { flags, environment, ...(file && { file: { path: file, text: configText(file) } }) }
}

function configText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new CommandError(`cannot read the settings in ${path}: ${reasonOf(cause)}`, { cause })
  }
}

/** What the cluster of this data directory was started with holds where nobody says otherwise. */
function configFrom(flags: Flags, context: CommandContext): ClusterConfig {
  const sources = sourcesOf(flags, context)
  const before = savedSettings(dataLayoutOf(clusterConfigFrom(sources).dataDir))
  return clusterConfigFrom({ ...sources, ...(before && { before }) })
}

/** The same check as for a server's setting. */
const checkedGates = (flags: { readonly featureGates?: readonly string[] }): readonly string[] =>
  clusterConfigFrom({ flags: { ...flags }, environment: {} }).featureGates

const withDataDir = (command: Command): Command =>
  command.addOption(
    new Option('--data-dir <dir>', clusterSettings.dataDir.help)
      .env(variableOf(clusterSettings.dataDir))
      .default(clusterSettings.dataDir.default)
      .argParser(path => resolve(path)),
  )

function withSettings(command: Command, table: SettingTable = clusterSettings): Command {
  command.option('--config <file>', 'a YAML file with any of these settings')
  for (const setting of Object.values(table)) {
    const { flag, type, placeholder = '', help, default: fallback } = setting
    const text =
      fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)
        ? help
        : `${help} (default: ${String(fallback)})`
    if (type === 'switch')
      command.option(`--${flag} [true|false]`, text).option(`--no-${flag}`, `the same as --${flag} false`)
    else if (type === 'list') command.option(`--${flag} <${placeholder}>`, `${text} (repeatable)`, collected)
    else command.option(`--${flag} <${placeholder}>`, text)
  }
  return command
}

function collected(value: string, before: readonly string[] | undefined): readonly string[] {
  if (value === '') throw new InvalidArgumentError('it is empty')
  return [...(before ?? []), value]
}
