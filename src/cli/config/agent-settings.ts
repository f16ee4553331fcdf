import type { SettingTable, ValuesOf } from './setting.ts'
import { clusterSettings } from './settings.ts'
import { addressProblem, labelProblem, serverProblem, taintProblem } from './value-problems.ts'

const {
  dataDir,
  clusterDns,
  clusterDomain,
  podCidr,
  serviceCidr,
  criEndpoint,
  registryMirror,
  shutdownGrace,
  logLevel,
} = clusterSettings

/** Every setting of a machine that joins. What it must know of the cluster has the name that it has on the server. */
export const agentSettings = {
  server: {
    flag: 'server',
    type: 'text',
    placeholder: 'URL',
    help: 'the server, for example https://10.0.0.1:6443',
    problem: serverProblem,
  },
  token: { flag: 'token', type: 'text', placeholder: 'TOKEN', help: 'from "holdfast token"; only the first time' },
  tokenFile: { flag: 'token-file', type: 'path', placeholder: 'FILE', help: 'a file that holds the token' },
  nodeName: {
    flag: 'node-name',
    type: 'text',
    placeholder: 'NAME',
    help: 'name of the machine (default: the host name)',
  },
  nodeIp: {
    flag: 'node-ip',
    type: 'text',
    placeholder: 'IP',
    help: 'address of the machine (default: those of its devices)',
    problem: addressProblem,
  },
  label: {
    flag: 'label',
    type: 'list',
    default: [],
    placeholder: 'KEY=VALUE',
    help: 'label of the Node',
    problem: labelProblem,
  },
  taint: {
    flag: 'taint',
    type: 'list',
    default: [],
    placeholder: 'KEY=VALUE:EFFECT',
    help: 'taint of the Node',
    problem: taintProblem,
  },
  dataDir,
  clusterDns,
  clusterDomain,
  podCidr,
  serviceCidr,
  criEndpoint,
  registryMirror,
  shutdownGrace,
  logLevel,
} as const satisfies SettingTable

export type AgentConfig = ValuesOf<typeof agentSettings> & { readonly server: string; readonly clusterDns: string }
