import { trim } from './cache.ts'
import type { KubeObject } from './kube.ts'

/** An object of which all but the metadata is kept as text, which takes less room: for what is seldom looked into. */
export interface Packed extends Pick<KubeObject, 'metadata'> {
  readonly text: string
}

/** Packs what a server sent. */
export function pack(object: KubeObject): Packed {
  const { metadata, ...rest } = trim(object)
  return { metadata, text: JSON.stringify(rest) }
}

/** What was packed, made anew with every call. */
export function unpack({ metadata, text }: Packed): KubeObject {
  return { ...(JSON.parse(text) as KubeObject), metadata }
}
