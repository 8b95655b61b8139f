/**
 * `npm run demo`: the main job, played and timed. Starts a system of its own on free ports with a temporary data
 * directory; with `--url <gateway>` and `--simulator <url>` it plays on a running one.
 */
import { parseArgs } from 'node:util'
import { startPrivateSystem } from '../system/private-system.ts'
import { playMainJob } from './main-job.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    simulator: { type: 'string', default: 'http://127.0.0.1:3010' },
    state: { type: 'string', default: 'http://127.0.0.1:3002' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log('npm run demo [-- --url http://127.0.0.1:3001 [--simulator URL] [--state URL]]')
} else if (values.url === undefined) {
  console.log('Starting a system of its own (free ports, temporary data) …')
  const system = await startPrivateSystem()
  try {
    await playMainJob({
      gateway: system.url('gateway'),
      state: system.url('state'),
      simulator: system.url('simulator'),
    })
  } finally {
    await system.stop()
  }
} else {
  await playMainJob({ gateway: values.url, state: values.state, simulator: values.simulator })
}
