import type { CommandDoors } from '../cli/command-line.ts'
import type { CommandContext } from '../cli/commands/command-context.ts'

/** Everything heavy is loaded by the command that needs it, so that `holdfast version` and completion answer at once. */
export function commandDoors(context: CommandContext): CommandDoors {
  return {
    runServer: async config => (await import('./server-process.ts')).runServerProcess(config, context),
    runAgent: async config => (await import('./agent-process.ts')).runAgentProcess(config, context),
    runControllers: async options => (await import('./controllers-process.ts')).runControllersProcess(options),
    cleanMachine: async options => (await import('./machine-side/clean-machine.ts')).cleanMachine(options),
    powerOff: async options => (await import('./machine-side/power-off.ts')).powerOff(options),
    makeToken: async options => (await import('./token-commands.ts')).makeToken(options),
    images: {
      load: async options => (await import('./image-commands.ts')).loadImages(options),
      list: async options => (await import('./image-commands.ts')).listImages(options),
      remove: async options => (await import('./image-commands.ts')).removeImages(options),
    },
    store: {
      verify: async config => (await import('./store-commands.ts')).verifyStore(config),
      backup: async (config, file) => (await import('./store-commands.ts')).backupStore(config, file),
      restore: async (config, file) => (await import('./store-commands.ts')).restoreStore(config, file),
      compact: async config => (await import('./store-commands.ts')).compactStore(config),
    },
  }
}
