import type { Finding } from '../../sources/preflight.ts'

const SHOWN = 5

/** What of a Connect's plugins (`class version` each) keeps a connector of this class from running. Pure. */
export function pluginFindings(
  wanted: { readonly plugin: string; readonly oldest: string },
  plugins: readonly string[],
): readonly Finding[] {
  const { plugin, oldest } = wanted
  const known = plugins.map((one) => one.split(' '))
  const versions = known.flatMap(([name, version = '']) => (name === plugin ? [version] : []))
  const [tooOld] = versions.filter((version) => isOlder(version, oldest))
  const remedy = `install version ${oldest} or later on every worker and restart it`
  if (versions.length === 0) {
    const others = listOf(known.map(([name = '']) => name))
    const found = `Kafka Connect has no plugin ${plugin}, ${others ? `only ${others}` : 'nor any other'}`
    return [{ check: 'PluginMissing', level: 'Error', found, remedy }]
  }
  if (tooOld === undefined) return []
  const found = `the plugin ${plugin} of Kafka Connect is version ${tooOld}`
  return [{ check: 'PluginTooOld', level: 'Error', found, remedy }]
}

/** Some of the names, always the same ones. */
function listOf(all: readonly string[]): string {
  const names = [...new Set(all)].sort()
  const left = names.length - SHOWN
  return [...names.slice(0, SHOWN), ...(left > 0 ? [`${left} others`] : [])].join(', ')
}

function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = than.split('.').map(Number)
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}
