import { Type } from '@sinclair/typebox'
import { createParser } from '@potok/core/validation'
import type { Document } from './schemas.ts'

const parse = createParser(Type.Record(Type.String(), Type.Unknown()))

/** A stored document. */
export const parseBody = (text: string): Document => parse(JSON.parse(text))
