import { Type, type Static } from '@sinclair/typebox'

const port = (value: number, service: string) =>
  Type.Integer({
    minimum: 1,
    maximum: 65_535,
    default: value,
    description: `Port of the ${service}`,
  })

/** What `npm start` itself reads; everything else goes on to the services as it is. */
export const LauncherConfig = Type.Object({
  ADMIN_PORT: port(3000, 'admin service'),
  GATEWAY_PORT: port(3001, 'gateway'),
  STATE_PORT: port(3002, 'state service'),
  TASK_PORT: port(3003, 'task service, later'),
  MAX_SIMULATOR_PORT: port(3010, 'MAX simulator and its chat page'),
  POTOK_DATA_DIR: Type.String({
    default: './data',
    description: 'Directory of the embedded database files',
  }),
  MAX_BOT_TOKEN: Type.Optional(Type.String({ description: 'Unset: the MAX simulator is started' })),
})
export type LauncherConfig = Readonly<Static<typeof LauncherConfig>>
