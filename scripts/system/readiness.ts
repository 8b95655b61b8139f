import type { Service } from './services.ts'

/** Does the process say that it can do its job? Nobody listening yet is the normal answer while it starts. */
export async function answers({ port, readinessPath }: Service): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${readinessPath}`, {
      signal: AbortSignal.timeout(2000),
    })
    await response.body?.cancel()
    return response.ok
  } catch {
    // Refused or timed out: not ready. The caller bounds the waiting and shows the process's own lines.
    return false
  }
}
