/** Ids as the platform makes them. */
import { randomBytes, randomInt } from 'node:crypto'

/**
 * The chat of a person and a bot: `bot XOR person`. By BigInt, because the operator of numbers cuts at 32 bits.
 */
export function dialogChatId(botId: number, userId: number): number {
  return Number(BigInt(botId) ^ BigInt(userId))
}

const hex16 = (value: bigint): string => BigInt.asUintN(64, value).toString(16).padStart(16, '0')

/** `mid.` + chat id as int64 in two's complement + seq, each as 16 hex digits. */
export function midOf(chatId: number, seq: bigint): string {
  return `mid.${hex16(BigInt(chatId))}${hex16(seq)}`
}

/** Whether a string could be a message id at all; a malformed one is a bad request, not an unknown message. */
export function isMid(value: string): boolean {
  return /^mid\.[0-9a-f]{32}$/u.test(value)
}

/** Sequence numbers `(milliseconds << 16) | 16 random bits`, always rising. */
export function createSequence(now: () => number): () => bigint {
  let last = 0n
  return () => {
    const candidate = (BigInt(now()) << 16n) | BigInt(randomInt(0x1_00_00))
    last = candidate > last ? candidate : last + 1n
    return last
  }
}

/** Opaque, 120 characters of base64url, like those seen on the platform. */
export function newCallbackId(): string {
  return randomBytes(90).toString('base64url')
}

/** Token of an attachment. */
export function newToken(): string {
  return randomBytes(48).toString('base64url')
}
