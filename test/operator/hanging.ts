/** An operator whose clients never answer and heed no signal, with the flags of `penstock operator`. */
import { parseArgs } from 'node:util'
import { createClientPool } from '../../src/clients/pool.ts'
import { createLogger } from '../../src/lib/log.ts'
import { runOperator } from '../../src/main/operator.ts'
import { runRole } from '../../src/main/role.ts'

const { values } = parseArgs({
  allowPositionals: true,
  options: { listen: { type: 'string', default: '' }, namespace: { type: 'string', default: '' } },
})
const [host = '', port = ''] = values.listen.split(':')
// Something of it is always going on, so that no process ends for want of work.
setInterval(() => undefined, 60_000)
const never = () => new Promise<never>(() => undefined)
const hanging = new Proxy({}, { get: () => never })
const pool = createClientPool(10)
await runRole((stopped) =>
  runOperator(
    {
      listen: { host, port: Number(port) },
      image: { name: 'penstock:hanging', pullPolicy: 'Never' },
      log: createLogger('operator', 'info'),
      namespace: values.namespace,
      pool: { ...pool, get: <Client>() => hanging as Client, close: never },
    },
    stopped,
  ),
)
