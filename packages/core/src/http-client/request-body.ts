import { Transform, type Readable } from 'node:stream'
import { upstreamError } from './errors.ts'

export interface RequestBodyOptions {
  /** The upstream's name, for the errors. */
  name: string
  /** More than this is refused with 413, declared or not. */
  limitBytes: number
  /** A body declared to be no larger is read before it is sent, and can be sent again. */
  bufferBytes: number
}

/**
 * The body of a request on its way through: small ones are read first, so that they can be repeated and a slow sender
 * costs the upstream nothing; larger and undeclared ones flow through and are counted.
 */
export function createRequestBody(
  source: Readable | string | Uint8Array | undefined,
  declaredBytes: number | undefined,
  { name, limitBytes, bufferBytes }: RequestBodyOptions,
) {
  const tooLarge = () => upstreamError('body_too_large', name)
  let ready: string | Uint8Array | undefined
  let stream: Transform | undefined

  async function read(from: Readable): Promise<Buffer> {
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of from) {
        const bytes = Buffer.from(chunk)
        size += bytes.byteLength
        if (size > limitBytes) throw tooLarge()
        chunks.push(bytes)
      }
    } catch (error) {
      throw size > limitBytes ? error : upstreamError('client_abort', name, { cause: error })
    }
    return Buffer.concat(chunks, size)
  }

  return {
    /** Reads what is to be buffered; rejects with 413 before anything is sent when the size is known. */
    async prepare(): Promise<void> {
      const size = isBytes(source) ? Buffer.byteLength(source) : declaredBytes
      if (size !== undefined && size > limitBytes) throw tooLarge()
      if (source === undefined || isBytes(source)) ready = source
      else if (size !== undefined && size <= bufferBytes) ready = await read(source)
      else stream = counted(source, limitBytes, name)
    },
    /** Undefined when there is no body; throws when it went wrong while its turn had not come. */
    content(): Transform | string | Uint8Array | undefined {
      if (stream?.errored) throw stream.errored
      return stream ?? ready
    },
    isRepeatable: () => stream === undefined,
    /** Everything received was passed on, and more is to come. */
    isStarved: () =>
      stream !== undefined &&
      !stream.writableEnded &&
      stream.writableLength === 0 &&
      stream.readableLength === 0,
  }
}

function isBytes(body: unknown): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array
}

/**
 * Not a `pipeline`: that would destroy the source, which is the caller's connection and must stay for the answer.
 */
function counted(source: Readable, limitBytes: number, name: string): Transform {
  let size = 0
  const counter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      size += chunk.byteLength
      if (size > limitBytes) done(upstreamError('body_too_large', name))
      else done(null, chunk)
    },
  })
  const abort = (cause?: unknown) => {
    if (!source.readableEnded) counter.destroy(upstreamError('client_abort', name, { cause }))
  }
  source.once('error', abort).once('close', abort)
  // It may break before anybody reads it; who comes then finds the error in `errored`.
  counter.on('error', ignore)
  counter.once('close', () => {
    source.off('error', abort).off('close', abort).unpipe(counter)
    // What still comes is thrown away until the answer has been sent; an error then is nobody's.
    source.on('error', ignore).resume()
  })
  return source.pipe(counter)
}

function ignore(): void {}
