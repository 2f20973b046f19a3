import type { SourceSpec } from '../../src/api/source/index.ts'
import { sourceSpec } from '../../test/operator/objects.ts'
import type { Drill, Stage } from './drill.ts'
import { statementsIn } from './statements.ts'

/** The Source with a publication that somebody else keeps. */
function external({ world, publication }: Stage): Partial<SourceSpec> {
  const { postgres } = sourceSpec(world, [])
  if (!postgres) throw new Error('the sample Source has no postgres')
  return { postgres: { ...postgres, publication: { name: publication, managementPolicy: 'External' } } }
}

/** 29: whoever keeps the publication takes the table out of it; rows change meanwhile. */
export const publicationLacksTable: Drill = {
  number: 29,
  failure: 'external publication lacks the table',
  beside: 'Others',
  shown: {
    condition: 'PreflightPassed',
    reason: 'PublicationLacksTables',
    message: /publication \w+ lacks public\.orders.*ALTER PUBLICATION "?\w+"? ADD TABLE/,
    ready: 'False',
  },
  prepare: async (stage) => {
    const { world, publication } = stage
    await world.sql(
      `CREATE PUBLICATION ${publication} FOR TABLE public.orders WITH (publish_via_partition_root = true)`,
    )
    await stage.running(external(stage))
  },
  cause: async ({ world, publication, work }) => {
    await world.sql(`ALTER PUBLICATION ${publication} DROP TABLE public.orders`)
    await work()
  },
  remedy: async ({ world }, message) => {
    const [statement = ''] = statementsIn(message)
    await world.sql(statement)
  },
}
