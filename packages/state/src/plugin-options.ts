import { ConfigError } from '@potok/core/config'
import type { CacheOptions } from './cache/index.ts'
import type { Config } from './config.ts'
import type { ExternalDbOptions } from './external-db/index.ts'

function globalRedis(config: Config): CacheOptions['redis']['global'] {
  if (!config.REDIS_GLOBAL_ENABLED) return undefined
  if (config.REDIS_GLOBAL_HOST === undefined) {
    throw new ConfigError('REDIS_GLOBAL_ENABLED is true and REDIS_GLOBAL_HOST is not set')
  }
  return {
    host: config.REDIS_GLOBAL_HOST,
    port: config.REDIS_GLOBAL_PORT,
    db: config.REDIS_GLOBAL_DB,
    password: config.REDIS_GLOBAL_PASSWORD,
  }
}

function localRedis(config: Config): CacheOptions['redis']['local'] {
  if (config.REDIS_LOCAL_HOST === undefined) return undefined
  return {
    host: config.REDIS_LOCAL_HOST,
    port: config.REDIS_LOCAL_PORT,
    db: config.REDIS_LOCAL_DB,
    password: config.REDIS_LOCAL_PASSWORD,
  }
}

export const cacheOptions = (config: Config): CacheOptions => ({
  redis: { local: localRedis(config), global: globalRedis(config) },
  ttl: config.CACHE_TTL,
  degradedTtlMs: config.CACHE_DEGRADED_TTL * 1000,
  entries: config.CACHE_MAX_ENTRIES,
  characters: config.CACHE_MAX_BYTES,
})

export const externalDbOptions = (config: Config): ExternalDbOptions => ({
  url: config.EXTERNAL_DB_URL,
  apiKey: config.EXTERNAL_DB_API_KEY,
  timeoutMs: config.DB_CONNECTION_TIMEOUT,
  attempts: config.DB_RETRY_ATTEMPTS,
})
