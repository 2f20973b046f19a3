import type { Run } from '../lib/run.ts'

/** A command and its arguments. */
export type CommandLine = readonly [string, ...string[]]

/** What a tunnel leads to: a service of the cluster, or a server that a command inside has started. */
export type TunnelTarget =
  | { readonly kind: 'Service'; readonly namespace: string; readonly name: string; readonly port: number }
  | { readonly kind: 'Host'; readonly port: number }

/** A port on 127.0.0.1 of this machine that leads into a cluster. */
export interface Tunnel {
  readonly port: number
  close(): Promise<void>
}

/** A running cluster with one node. */
export interface Cluster {
  /** The path of the administrator's kubeconfig, for commands run by way of `enter`. */
  readonly kubeconfig: string
  /** The name by which pods reach servers that are started by way of `enter` and listen on every address. */
  readonly hostName: string
  /** The command line that runs `command` where the cluster's addresses can be reached, with KUBECONFIG set and kubectl and helm on the PATH. */
  enter(command: CommandLine): CommandLine
  /** Makes the images of an archive (docker or OCI) known to the node. */
  loadImage(archive: string, signal: AbortSignal): Promise<void>
  /** Opens a way from this machine to something inside. */
  openTunnel(target: TunnelTarget, signal: AbortSignal): Promise<Tunnel>
  /** Ends the cluster; nothing of it is left but its logs. */
  delete(): Promise<void>
}

/** A way to get a cluster. */
export interface ClusterProvider {
  readonly name: string
  /** Makes a cluster with its files in `dir` and waits until pods can be created; throws when that takes too long. */
  create(options: Run & { readonly dir: string; readonly images?: readonly string[] }): Promise<Cluster>
}
