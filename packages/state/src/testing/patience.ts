/** For `expect.poll`: machines that build at the same time are slow. */
export const patience = { timeout: 15_000, interval: 20 }
