/** What an image of a production system is told; nothing of it is a development default. */
export const productionEnvironment = {
  LOG_LEVEL: 'info',
  API_KEYS: 'gateway=gateway-key-of-the-test,state=state-key-of-the-test',
  ADMIN_SERVICE_API_KEY: 'gateway-key-of-the-test',
  EXTERNAL_DB_API_KEY: 'state-key-of-the-test',
  JWT_SECRET: 'access-secret-of-the-deploy-tests',
  JWT_REFRESH_SECRET: 'refresh-secret-of-the-deploy-tests',
  ADMIN_USERNAME: 'chief',
  ADMIN_PASSWORD: 'password of the chief',
} as const
