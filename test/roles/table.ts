/**
 * The roles table of the contract once more, written down independently of the gateway's: what member, manager and admin
 * may, operation by operation and case by case.
 *
 * `yes`: it is passed on · `no`: 403 · `theirs`: passed on, and the service behind refuses what is not the caller's own ·
 * `never`: for nobody there is such a thing.
 *
 * In paths and bodies: `{mine}` a task that the caller made, `{given}` one that somebody else made and gave to them,
 * `{foreign}` one that is none of their business, `{me}` the caller, `{other}` somebody else, `{new}` a fresh id.
 */
const TABLE = `
GET    /api/v1/auth/profile                                yes     yes  yes
GET    /api/v1/auth/sessions                               yes     yes  yes
POST   /api/v1/auth/link-code                              yes     yes  yes
POST   /api/v1/auth/password  {}                           yes     yes  yes
POST   /api/v1/auth/logout                                 yes     yes  yes
DELETE /api/v1/auth/sessions/0b2f6c1e-6f0f-4c55-9d9f-0d3b2d5f9a11   yes yes yes

GET    /api/v1/states/task                                 yes     yes  yes
GET    /api/v1/states/user                                 yes     yes  yes
GET    /api/v1/states/process                              yes     yes  yes
GET    /api/v1/states/order                                no      yes  yes
GET    /api/v1/states/task/{foreign}                       yes     yes  yes
GET    /api/v1/states/user/{other}                         yes     yes  yes
GET    /api/v1/states/process/p1                           yes     yes  yes
GET    /api/v1/states/order/o1                             no      yes  yes
GET    /api/v1/states/task/{foreign}/history               yes     yes  yes
GET    /api/v1/states/user/{other}/history                 yes     yes  yes
GET    /api/v1/states/process/p1/history                   yes     yes  yes
GET    /api/v1/states/order/o1/history                     no      yes  yes
GET    /api/v1/states/task/{foreign}/transitions           yes     yes  yes
GET    /api/v1/states/order/o1/transitions                 no      yes  yes
GET    /api/v1/machines                                    yes     yes  yes
GET    /api/v1/machines/task                               yes     yes  yes
GET    /api/v1/events                                      no      yes  yes
GET    /api/v1/events/stream                               no      yes  yes
POST   /api/v1/states/query  {"entity":"task"}             no      yes  yes

POST   /api/v1/states/task  {"entityId":"{new}"}           yes     yes  yes
POST   /api/v1/states/task  {"entityId":"{mine}","status":"pending"}      yes     yes  yes
POST   /api/v1/states/task  {"entityId":"{given}","status":"pending"}     yes     yes  yes
POST   /api/v1/states/task  {"entityId":"{foreign}","status":"pending"}   theirs  yes  yes
PUT    /api/v1/states/task/{mine}     {"status":"pending"}                yes     yes  yes
PUT    /api/v1/states/task/{given}    {"status":"pending"}                yes     yes  yes
PUT    /api/v1/states/task/{foreign}  {"status":"pending"}                theirs  yes  yes
PATCH  /api/v1/states/task/{mine}     {"metadata":{"title":"t"}}          yes     yes  yes
PATCH  /api/v1/states/task/{given}    {"metadata":{"title":"t"}}          yes     yes  yes
PATCH  /api/v1/states/task/{foreign}  {"metadata":{"title":"t"}}          theirs  yes  yes
PATCH  /api/v1/states/task/{foreign}  {"metadata":{"assignee":"{me}"}}    theirs  yes  yes
POST   /api/v1/states/task/{foreign}/heartbeat  {}         theirs  yes  yes
DELETE /api/v1/states/task/{mine}                          no      yes  yes
DELETE /api/v1/states/task/{foreign}                       no      yes  yes
POST   /api/v1/states/batch  {"mode":"partial","operations":[{"op":"create","entity":"task","entityId":"{new}"}]}        no yes yes
POST   /api/v1/states/batch  {"mode":"partial","operations":[{"op":"upsert","entity":"user","entityId":"{other}"}]}      no no  yes
POST   /api/v1/states/batch  {"mode":"partial","operations":[{"op":"delete","entity":"task","entityId":"{foreign}"},{"op":"create","entity":"order","entityId":"{new}"}]}  no no yes
POST   /api/v1/events  {"name":"n"}                        no      yes  yes
POST   /api/v1/notifications  {"to":{"all":true},"level":"info","title":"t","text":"t"}   no yes yes

POST   /api/v1/states/user  {"entityId":"{me}","status":"online"}         yes     yes  yes
POST   /api/v1/states/user  {"entityId":"{other}","status":"online"}      no      no   yes
PUT    /api/v1/states/user/{me}     {"status":"busy"}      yes     yes  yes
PUT    /api/v1/states/user/{other}  {"status":"busy"}      no      no   yes
PATCH  /api/v1/states/user/{me}     {"status":"online"}    yes     yes  yes
PATCH  /api/v1/states/user/{other}  {"status":"online"}    no      no   yes
POST   /api/v1/states/user/{me}/heartbeat     {}           yes     yes  yes
POST   /api/v1/states/user/{other}/heartbeat  {}           no      no   yes
DELETE /api/v1/states/user/{me}                            no      no   yes
DELETE /api/v1/states/user/{other}                         no      no   yes

POST   /api/v1/states/process  {"entityId":"{new}"}        no      no   yes
PUT    /api/v1/states/process/p1  {"status":"running"}     no      no   yes
PATCH  /api/v1/states/process/p1  {"metadata":{}}          no      no   yes
DELETE /api/v1/states/process/p1                           no      no   yes
POST   /api/v1/states/process/p1/heartbeat  {}             no      no   yes
POST   /api/v1/states/order  {"entityId":"{new}"}          no      no   yes
PUT    /api/v1/states/order/o1  {"status":"paid"}          no      no   yes
DELETE /api/v1/states/order/o1                             no      no   yes
PUT    /api/v1/machines/parcel  {"statuses":["a"],"initial":["a"],"transitions":{}}   no no yes

POST   /api/v1/webhooks/subscriptions  {"url":"http://127.0.0.1:9/","events":["*"]}   no no yes
GET    /api/v1/webhooks/subscriptions                      no      no   yes
GET    /api/v1/webhooks/subscriptions/s1                   no      no   yes
PATCH  /api/v1/webhooks/subscriptions/s1  {"active":true}  no      no   yes
DELETE /api/v1/webhooks/subscriptions/s1                   no      no   yes
POST   /api/v1/webhooks/subscriptions/s1/test  {}          no      no   yes
POST   /api/v1/webhooks/subscriptions/s1/rotate-secret  {} no      no   yes
POST   /api/v1/webhooks/subscriptions/s1/rotate-secret/finish  {}   no no yes
GET    /api/v1/webhooks/subscriptions/s1/deliveries        no      no   yes
POST   /api/v1/webhooks/subscriptions/s1/replay  {"from":"2026-01-01T00:00:00.000Z"}  no no yes
GET    /api/v1/webhooks/deliveries/d1                      no      no   yes
POST   /api/v1/webhooks/deliveries/d1/redeliver  {}        no      no   yes

GET    /api/v1/admin/users                                 no      no   yes
POST   /api/v1/admin/users  {}                             no      no   yes
GET    /api/v1/admin/users/access-changes                  no      no   yes
GET    /api/v1/admin/users/{me}                            no      no   yes
GET    /api/v1/admin/users/{other}                         no      no   yes
PATCH  /api/v1/admin/users/{me}  {"roles":["root"]}        no      no   yes
DELETE /api/v1/admin/users/nobody                          no      no   yes
POST   /api/v1/admin/users/{me}/password  {}               no      no   yes
GET    /api/v1/admin/users/{me}/settings                   no      no   yes
PUT    /api/v1/admin/users/{other}/settings  {}            no      no   yes
POST   /api/v1/admin/users/verify  {"username":"user","password":"password"}   no no no
GET    /api/v1/admin/db/notes                              no      no   yes
POST   /api/v1/admin/db/notes  {"data":{}}                 no      no   yes
GET    /api/v1/admin/db/notes/n1                           no      no   yes
PUT    /api/v1/admin/db/notes/n1  {"text":"a"}             no      no   yes
DELETE /api/v1/admin/db/notes/n1                           no      no   yes

GET    /api/v1/gateway/circuits                            no      no   yes
POST   /api/v1/gateway/circuits/task/open  {}              no      no   yes
POST   /api/v1/gateway/circuits/task/close  {}             no      no   yes
POST   /api/v1/gateway/circuits/task/reset  {}             no      no   yes

GET    /api/v1/tasks/t1                                    yes     yes  yes
POST   /api/v1/tasks/t1/assign  {}                         yes     yes  yes
POST   /api/v1/distribution/run  {}                        yes     yes  yes
GET    /api/v1/analytics/summary                           yes     yes  yes

GET    /api/v1/services                                    never   never  never
GET    /api/v1/external-db                                 never   never  never
POST   /api/v1/external-db/replay                          never   never  never
POST   /api/v1/cache/invalidate                            never   never  never
GET    /api/v1/export                                      never   never  never
POST   /api/v1/import                                      never   never  never
GET    /api/v1/users                                       never   never  never
GET    /api/v1/states                                      never   never  never
DELETE /api/v1/states/task                                 never   never  never
DELETE /api/v1/machines/task                               never   never  never
DELETE /api/v1/events                                      never   never  never
`

export const ROLES = ['member', 'manager', 'admin'] as const
export type Role = (typeof ROLES)[number]
export type Right = 'yes' | 'no' | 'theirs' | 'never'

export interface Line {
  method: string
  path: string
  body: string | undefined
  rights: Record<Role, Right>
}

const LINE =
  /^(?<method>[A-Z]+)\s+(?<path>\S+)\s+(?:(?<body>\{.*\})\s+)?(?<member>yes|no|theirs|never)\s+(?<manager>yes|no|theirs|never)\s+(?<admin>yes|no|theirs|never)$/u

const isRight = (text: string | undefined): text is Right =>
  text === 'yes' || text === 'no' || text === 'theirs' || text === 'never'

function parsed(text: string): Line {
  const groups = LINE.exec(text)?.groups
  const { method, path, body, member, manager, admin } = groups ?? {}
  if (method === undefined || path === undefined) throw new Error(`No line of the table: ${text}`)
  if (!isRight(member) || !isRight(manager) || !isRight(admin)) throw new Error(text)
  return { method, path, body, rights: { member, manager, admin } }
}

export const LINES: readonly Line[] = TABLE.split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '')
  .map(parsed)
