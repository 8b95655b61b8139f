import { ConfigError } from '../config/index.ts'

/**
 * Reads `OTEL_EXPORTER_OTLP_HEADERS`: `name=value` pairs, comma separated, values percent-encoded (the specification of
 * the OTLP exporter takes the format of W3C Baggage).
 * @throws ConfigError a value that is not percent-encoded UTF-8
 */
export function exportHeaders(text: string | undefined): Record<string, string> {
  if (text === undefined) return {}
  const headers = text.split(',').map((pair): [string, string] => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at).trim(), decoded(pair.slice(at + 1))]
  })
  return Object.fromEntries(headers)
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value.trim())
  } catch (cause) {
    const line = 'OTEL_EXPORTER_OTLP_HEADERS must have percent-encoded values'
    throw new ConfigError(line, { cause })
  }
}
