/** A JSON call that keeps status and headers; for tests, demo and torture. */
export async function call<T = Record<string, unknown>>(
  url: string,
  options: { method?: string; headers?: Record<string, string>; json?: unknown } = {},
): Promise<{ status: number; headers: Headers; body: T }> {
  const { method = 'GET', headers = {}, json } = options
  const response = await fetch(url, {
    method,
    headers: json === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  })
  const text = await response.text()
  const body = (text === '' ? undefined : JSON.parse(text)) as T
  return { status: response.status, headers: response.headers, body }
}

/** Logs in at the gateway. @returns the `authorization` header */
export async function login(
  gateway: string,
  username = 'user',
  password = 'password',
): Promise<{ authorization: string; token: string }> {
  const { status, body } = await call<{ access_token?: string }>(`${gateway}/api/v1/auth/login`, {
    method: 'POST',
    json: { username, password },
  })
  if (body.access_token === undefined) throw new Error(`Login failed: ${status}`)
  return { authorization: `Bearer ${body.access_token}`, token: body.access_token }
}
