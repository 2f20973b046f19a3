import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'

import { customResourceDefinition, GROUP, type KindDefinition } from './crd/definition.ts'
import { KINDS } from './index.ts'

/** File name and YAML of a kind's CustomResourceDefinition, as they stand in `crds/`. */
export function crdFile(kind: KindDefinition): { readonly name: string; readonly yaml: string } {
  const yaml = stringify(customResourceDefinition(kind), { lineWidth: 0, aliasDuplicateObjects: false })
  return {
    name: `${GROUP}_${kind.plural}.yaml`,
    yaml: `# Generated from src/api by \`npm run generate\`; do not edit.\n${yaml}`,
  }
}

if (import.meta.main) {
  for (const kind of KINDS) {
    const { name, yaml } = crdFile(kind)
    writeFileSync(new URL(`../../crds/${name}`, import.meta.url), yaml)
  }
}
