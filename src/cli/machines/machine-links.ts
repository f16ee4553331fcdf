import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataLayout } from '../host/data-layout.ts'
import { replaceFile } from '../host/replace-file.ts'
import { type MachineLink, machineLinkOf } from './machine-network.ts'

const pathOf = ({ root }: DataLayout): string => join(root, 'machines.json')

/** Of the machines that were made on this host; none when the cluster runs on the host itself. */
export function linksOf(layout: DataLayout): readonly MachineLink[] {
  const path = pathOf(layout)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as MachineLink[]) : []
}

export function saveLinks(layout: DataLayout, links: readonly MachineLink[]): void {
  replaceFile(pathOf(layout), `${JSON.stringify(links, null, 2)}\n`)
}

/** A link for each name: the one that the machine has, or a new one with the first free address. */
export function linksFor(names: readonly string[], known: readonly MachineLink[]): readonly MachineLink[] {
  const taken = new Set(known.map(({ address }) => address))
  return names.map(name => {
    const link = known.find(candidate => candidate.name === name)
    if (link) return link
    let index = 0
    while (taken.has(machineLinkOf(name, index).address)) index++
    const fresh = machineLinkOf(name, index)
    taken.add(fresh.address)
    return fresh
  })
}
