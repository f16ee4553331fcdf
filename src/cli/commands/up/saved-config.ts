import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { clusterConfigFrom } from '../../config/cluster-config.ts'
import { type ClusterConfig, clusterSettings, type SettingName } from '../../config/settings.ts'
import type { DataLayout } from '../../host/data-layout.ts'

const pathOf = ({ root }: DataLayout): string => join(root, 'config.json')

/** Keeps the settings that a cluster was started with, in the form that `--config` reads. */
export function saveConfig(layout: DataLayout, config: ClusterConfig): void {
  writeFileSync(pathOf(layout), `${JSON.stringify(config, null, 2)}\n`)
}

export function savedConfig(layout: DataLayout): ClusterConfig {
  const path = pathOf(layout)
  return clusterConfigFrom({ flags: {}, environment: {}, file: { path, text: readFileSync(path, 'utf8') } })
}

/** Flags of the settings that differ. */
export const changedSettings = (before: ClusterConfig, after: ClusterConfig): string[] =>
  (Object.keys(clusterSettings) as SettingName[])
    .filter(name => !isDeepStrictEqual(before[name], after[name]))
    .map(name => `--${clusterSettings[name].flag}`)
