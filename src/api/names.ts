import { hash } from 'node:crypto'

import type { ObjectMeta } from './common.ts'

type Named = Pick<ObjectMeta, 'namespace' | 'name'>

/** Name of a Source's connector. */
export function connectorName({ namespace, name }: Named): string {
  return `${namespace}.${name}`
}

/** Prefix of a Source's topics where the spec gives none. */
export function defaultTopicPrefix({ namespace, name }: Named): string {
  return `${namespace}.${name}`
}

/** Default name of a slot or publication: readable, at most 63 characters, and different for different objects. */
export function databaseObjectName({ namespace, name }: Named): string {
  const readable = `${namespace}_${name}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_')
    .slice(0, 50)
  return `${readable}_${shortHash(`${namespace}/${name}`)}`
}

/** Consumer group of a flow. */
export function groupName({ namespace, name }: Named, flow: string): string {
  return `penstock.${namespace}.${name}.${flow}`
}

/** Output topic of a flow where the spec gives none. */
export function defaultFlowTopic({ namespace, name }: Named, flow: string): string {
  return `${namespace}.${name}.${flow}`
}

/** Topic that holds the state of a flow whose output cannot. */
export function stateTopic(outputTopic: string): string {
  return `${outputTopic}.state`
}

/** Name of a Pipeline's workload and of what belongs to it. */
export function workloadName({ name }: Named, role: 'processor' | 'gateway'): string {
  return `${name}-${role}`
}

/** The mark of what is ours: `<installation>/<namespace>/<name>`. */
export function ownerMark(installation: string, { namespace, name }: Named): string {
  return `${installation}/${namespace}/${name}`
}

/** The first eight hex digits of a hash. */
function shortHash(text: string): string {
  return hash('sha256', text).slice(0, 8)
}
