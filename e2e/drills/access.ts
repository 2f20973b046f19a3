import type { Drill } from './drill.ts'
import { statementsIn } from './statements.ts'

/** 27: the password was changed in the database, and the connector's next login is refused. */
export const passwordRotated: Drill = {
  number: 27,
  failure: 'password changed in the database',
  beside: 'Others',
  shown: {
    condition: 'PreflightPassed',
    reason: 'AuthenticationFailed',
    message: /refuses the login.*Put the right username and password into Secret db/,
    ready: 'False',
  },
  cause: async ({ world, work }) => {
    await world.sql(`ALTER ROLE ${world.role} PASSWORD 'rotated'`)
    await world.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${world.role}'`)
    await work()
  },
  remedy: ({ world }) => world.login('db', 'rotated'),
}

/** 34: Connect goes on saying RUNNING while the connector is not let in to read the log. */
export const notLetIn: Drill = {
  number: 34,
  failure: 'RUNNING, and not let in to read the log',
  beside: 'Others',
  shown: {
    condition: 'PreflightPassed',
    reason: 'RoleMayNotReplicate',
    message: /role \w+ may not read the log: ALTER ROLE \w+ REPLICATION/,
    ready: 'False',
  },
  cause: async ({ world, work }) => {
    await world.sql(`ALTER ROLE ${world.role} NOREPLICATION`)
    await world.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${world.role}'`)
    await work()
  },
  remedy: async ({ world }, message) => {
    const [statement = ''] = statementsIn(message)
    await world.sql(statement)
  },
}
