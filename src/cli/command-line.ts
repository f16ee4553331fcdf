import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { CommandContext } from './commands/command-context.ts'
import { completionScript } from './commands/completion/completion.ts'
import { type CleanMachine, down } from './commands/down/down.ts'
import { logs } from './commands/logs/logs.ts'
import { status } from './commands/status/status.ts'
import { up } from './commands/up/up.ts'
import { clusterConfigFrom } from './config/cluster-config.ts'
import { type ClusterConfig, clusterSettings, type Setting } from './config/settings.ts'
import { dataLayoutOf } from './host/data-layout.ts'
import { MachineDrills, type PowerOff } from './machines/machine-drills.ts'

export interface AgentOptions {
  readonly server: string
  readonly token?: string
  readonly tokenFile?: string
  readonly nodeName?: string
  readonly nodeIp?: string
  readonly dataDir: string
  readonly label: readonly string[]
  readonly taint: readonly string[]
  readonly clusterDns: string
  readonly clusterDomain: string
  readonly podCidr: string
  readonly serviceCidr: string
  readonly criEndpoint?: string
  readonly registryMirror: readonly string[]
  readonly logLevel: string
}

export interface ControllersOptions {
  readonly kubeconfig: string
  readonly context?: string
  /** `NAME=true` or `NAME=false`, as the API server has them. */
  readonly featureGates: readonly string[]
}

/** What the command line cannot do by itself: it is made of parts that only `bin/` may put together. */
export interface CommandDoors {
  readonly runServer: (config: ClusterConfig) => Promise<void>
  readonly runAgent: (options: AgentOptions) => Promise<void>
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

const DEFAULT_DATA_DIR = clusterSettings.dataDir.default
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
    up(configFrom(flags, context), context),
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
    (flags: Flags) => doors.runServer(configFrom(flags, context)),
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
    ({ dataDir }: { dataDir: string }) => terminal.out(readFileSync(dataLayoutOf(dataDir).adminKubeconfig, 'utf8')),
  )
  withDataDir(program.command('token').description('make a token with which machines join'))
    .option('--ttl <duration>', 'how long it is good for', '24h')
    .action(async (options: { dataDir: string; ttl: string }) => terminal.out(`${await doors.makeToken(options)}\n`))
}

function addMachineCommands(program: Command, context: CommandContext, doors: CommandDoors): void {
  const { terminal } = context
  addAgent(program, doors)
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

function addAgent(program: Command, doors: CommandDoors): void {
  program
    .command('agent')
    .description('run this machine as part of a cluster, in the foreground')
    .requiredOption('--server <url>', 'for example https://10.0.0.1:6443')
    .option('--token <token>', 'from "holdfast token"')
    .option('--token-file <file>', 'a file that holds the token')
    .option('--node-name <name>', 'name of the machine (default: the host name)')
    .option('--node-ip <ip>', 'address of the machine (default: that of the default route)')
    .option('--data-dir <dir>', 'where everything that must last is kept', DEFAULT_DATA_DIR)
    .option('--label <key=value>', 'label of the Node (repeatable)', collected, [])
    .option('--taint <key=value:effect>', 'taint of the Node (repeatable)', collected, [])
    .option('--cluster-dns <ip>', clusterSettings.clusterDns.help, clusterSettings.clusterDns.default)
    .option('--cluster-domain <domain>', clusterSettings.clusterDomain.help, clusterSettings.clusterDomain.default)
    .option('--pod-cidr <range>', clusterSettings.podCidr.help, clusterSettings.podCidr.default)
    .option('--service-cidr <range>', clusterSettings.serviceCidr.help, clusterSettings.serviceCidr.default)
    .option('--cri-endpoint <socket>', clusterSettings.criEndpoint.help)
    .option('--registry-mirror <host=url>', clusterSettings.registryMirror.help, collected, [])
    .option('--log-level <level>', clusterSettings.logLevel.help, clusterSettings.logLevel.default)
    .action((options: AgentOptions) => doors.runAgent(options))
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

function configFrom({ config: path, ...flags }: Flags, { environment }: CommandContext): ClusterConfig {
  const file = path ?? environment.HOLDFAST_CONFIG
  return clusterConfigFrom({
    flags,
    environment,
    ...(file && { file: { path: file, text: readFileSync(file, 'utf8') } }),
  })
}

/** The same check as for a server's setting. */
const checkedGates = (flags: { readonly featureGates?: readonly string[] }): readonly string[] =>
  clusterConfigFrom({ flags: { ...flags }, environment: {} }).featureGates

const withDataDir = (command: Command): Command =>
  command.addOption(
    new Option('--data-dir <dir>', clusterSettings.dataDir.help).env('HOLDFAST_DATA_DIR').default(DEFAULT_DATA_DIR),
  )

function withSettings(command: Command): Command {
  command.option('--config <file>', 'a YAML file with any of these settings')
  for (const setting of Object.values<Setting>(clusterSettings)) {
    const { flag, type, placeholder = '', help, default: fallback } = setting
    const text =
      fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)
        ? help
        : `${help} (default: ${String(fallback)})`
    if (type === 'switch') command.option(`--${flag} [true|false]`, text)
    else if (type === 'list') command.option(`--${flag} <${placeholder}>`, `${text} (repeatable)`, collected)
    else command.option(`--${flag} <${placeholder}>`, text)
  }
  return command
}

function collected(value: string, before: readonly string[] | undefined): readonly string[] {
  if (value === '') throw new InvalidArgumentError('it is empty')
  return [...(before ?? []), value]
}
