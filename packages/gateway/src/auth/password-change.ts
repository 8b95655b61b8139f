import type { TokenPair } from '@potok/contracts/auth'
import type { PasswordChange } from '@potok/contracts/user'
import type { BackOff } from './back-off.ts'
import { CurrentPasswordWrong, SessionEnded } from './errors.ts'
import { tooMany, type Client, type Login } from './login.ts'
import type { People } from './people.ts'
import type { Sessions } from './sessions.ts'
import type { Principal } from './tokens.ts'

export interface PasswordChangeDeps {
  people: Pick<People, 'byId' | 'changePassword'>
  sessions: Pick<Sessions, 'isKnownPlace'>
  backOff: BackOff
  login: Pick<Login, 'login' | 'endAll'>
}

export type ChangePassword = ReturnType<typeof createChangePassword>

/**
 * Gives a person another password, for the current one. Guesses of it are slowed like those at the login: whoever has
 * found a token must not find the password with it. All sessions end, and the one who asked gets a new one.
 * @throws CurrentPasswordWrong, TooManyAttempts, PersonsUnavailable, SessionEnded
 */
export function createChangePassword({ people, sessions, backOff, login }: PasswordChangeDeps) {
  return async (
    { id }: Pick<Principal, 'id'>,
    change: PasswordChange,
    client: Client,
  ): Promise<TokenPair> => {
    const { place, context, log } = client
    const person = await people.byId(id, context)
    if (person === undefined) throw new SessionEnded()
    const { username } = person
    const isKnownPlace = await sessions.isKnownPlace(username, place)
    const attempt = { username, place, isKnownPlace }
    const waitMs = await backOff.begin(attempt)
    if (waitMs > 0) throw tooMany(waitMs)
    const isChanged = await people
      .changePassword(id, change, context)
      .catch(async (error: unknown) => {
        await backOff.cancel(attempt)
        throw error
      })
    if (!isChanged) throw new CurrentPasswordWrong()
    await backOff.succeed(attempt)
    const ended = await login.endAll({ id })
    log.info({ event: 'auth.password_changed', ended }, 'password changed')
    return login.login({ username, password: change.newPassword }, client)
  }
}
