import type { JsonObject } from '../../src/machinery/json.ts'

const labels = { app: 'web' }

export const podTemplate = (image = 'nginx:1', spec: JsonObject = {}): JsonObject => ({
  metadata: { labels },
  spec: { containers: [{ name: 'main', image }], ...spec },
})

export const deployment = (spec: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { replicas: 3, selector: { matchLabels: labels }, template: podTemplate(), ...spec },
})

export const service = (spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', ...metadata },
  spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'http', port: 80 }], ...spec },
})

export const daemonSet = (spec: JsonObject = {}): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'agent' },
  spec: { selector: { matchLabels: labels }, template: podTemplate(), ...spec },
})
