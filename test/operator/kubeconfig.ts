import { readFile, writeFile } from 'node:fs/promises'
import { parse, stringify } from 'yaml'

interface Kubeconfig {
  readonly clusters: { cluster: { server: string } }[]
  readonly users: { user: { as?: string } }[]
}

/** The port of the API server that a kubeconfig names. */
export async function apiPort(kubeconfig: string): Promise<number> {
  const [first] = ((await parse(await readFile(kubeconfig, 'utf8'))) as Kubeconfig).clusters
  return Number(new URL(first?.cluster.server ?? '').port)
}

/** Writes a kubeconfig like another, by way of a port on loopback and acting as a user; returns its path. */
export async function writeKubeconfig(
  kubeconfig: string,
  { file, port, user }: { readonly file: string; readonly port: number; readonly user?: string },
): Promise<string> {
  const config = parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig
  for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${port}`
  if (user !== undefined) for (const one of config.users) one.user.as = user
  await writeFile(file, stringify(config), { mode: 0o600 })
  return file
}
