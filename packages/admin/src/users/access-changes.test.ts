import { expect, test } from 'vitest'
import type { AccessChangePage, User } from '@potok/contracts/user'
import { describeAdmin, freshName } from '../testing/admin-app.ts'

describeAdmin('changes of access', (admin) => {
  const url = '/api/v1/users/access-changes'
  const page = async (query = '') =>
    (await admin().call('GET', url + query)).json<AccessChangePage>()
  const make = async (): Promise<User> => {
    const body = { username: freshName('a'), displayName: 'Имя', password: 'correct horse' }
    return (await admin().call('POST', '/api/v1/users', { body })).json<User>()
  }
  /** What is told of a person since then. */
  async function told(userId: string, since: string): Promise<number[]> {
    const { items } = await page(`?since=${since}`)
    return items.filter((item) => item.userId === userId).map(({ version }) => version)
  }

  test.each([
    ['other roles', { roles: ['manager'] }],
    ['a new password', { password: 'battery staple' }],
    ['being switched off', { active: false }],
  ])('%s is told with the version from which on it holds', async (_case, body) => {
    const { id } = await make()
    const { asOf } = await page()
    expect(await told(id, asOf)).toEqual([])

    await admin().call('PATCH', `/api/v1/users/${id}`, { body })

    expect(await told(id, asOf)).toEqual([2])
  })

  test('the password that a person changes themselves is told, and so is a removal', async () => {
    const { id } = await make()
    const { asOf } = await page()
    const change = { currentPassword: 'correct horse', newPassword: 'battery staple' }

    await admin().call('POST', `/api/v1/users/${id}/password`, { body: change })
    expect(await told(id, asOf)).toEqual([2])

    await admin().call('DELETE', `/api/v1/users/${id}`)
    expect(await told(id, asOf)).toEqual([3])
  })

  test('what changes nothing about access is not told', async () => {
    const { id } = await make()
    const { asOf } = await page()

    for (const body of [{ skills: ['монтаж'] }, { capacity: 9 }, { roles: ['member'] }]) {
      await admin().call('PATCH', `/api/v1/users/${id}`, { body })
    }

    expect(await told(id, asOf)).toEqual([])
  })

  test('pages follow one another, oldest first, without a gap', async () => {
    const { asOf } = await page()
    const people: string[] = []
    for (let count = 0; count < 5; count += 1) {
      const { id } = await make()
      await admin().call('DELETE', `/api/v1/users/${id}`)
      people.push(id)
    }

    const seen: string[] = []
    let query = `?since=${asOf}&limit=2`
    for (let pages = 1; pages <= 3; pages += 1) {
      const { items, nextCursor } = await page(query)
      seen.push(...items.map(({ userId }) => userId))
      expect(nextCursor === undefined).toBe(pages === 3)
      query = `?since=${asOf}&limit=2&cursor=${nextCursor}`
    }

    // Those of one millisecond stand by their ids.
    expect(seen.toSorted()).toEqual(people.toSorted())
  })

  test.each(['?cursor=bm9uc2Vuc2U', '?since=yesterday', '?since=', '?limit=0', '?colour=red'])(
    '%s is refused',
    async (query) => {
      expect((await admin().call('GET', url + query)).statusCode).toBe(400)
    },
  )
})
