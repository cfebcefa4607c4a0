/** Small files by HTTPS from somebody who is not trusted: bounded in size and time, from the very address that was asked. */
import { messageOf } from '../base/index.ts';
import { AuditorError } from './errors.ts';

/** Reads a URL; null for 404. @throws {AuditorError} 'unreachable', 'bad_answer' */
export type FetchBytes = (url: string, bytesMax: number) => Promise<Uint8Array | null>;

const patienceMs = 20_000;

/** Asks by the system's HTTP client. Redirects are refused: who serves a log serves it there. */
export const fetchBytes: FetchBytes = async (url, bytesMax) => {
  let response: Response;
  try {
    response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(patienceMs),
      headers: { 'Accept-Encoding': 'gzip, identity' },
    });
  } catch (error) {
    throw unreachable(url, error);
  }
  const { status } = response;
  if (status === 404) {
    await response.body?.cancel();
    return null;
  }
  if (status !== 200) {
    await response.body?.cancel();
    const why = status >= 300 && status < 400 ? ', which leads elsewhere: give that address' : '';
    throw badAnswer(url, `expected the status 200, got ${status}${why}`);
  }
  return bodyOf(response, url, bytesMax);
};

/** Sends a body, and reads the answer, whatever its status but a redirect. @throws {AuditorError} 'unreachable', 'bad_answer' */
export async function postBytes(
  url: string,
  body: Uint8Array,
  bytesMax: number,
): Promise<{ readonly status: number; readonly body: Uint8Array }> {
  let response: Response;
  try {
    const signal = AbortSignal.timeout(patienceMs);
    response = await fetch(url, {
      ...{ method: 'POST', redirect: 'manual', signal },
      body: new Uint8Array(body),
    });
  } catch (error) {
    throw unreachable(url, error);
  }
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw badAnswer(url, `expected the status 200, got ${response.status}, which leads elsewhere`);
  }
  return { status: response.status, body: await bodyOf(response, url, bytesMax) };
}

/** The body, of at most so many bytes. @throws {AuditorError} 'unreachable', 'bad_answer' */
export async function bodyOf(
  response: Response,
  url: string,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) throw badAnswer(url, `expected at most ${bytesMax} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof AuditorError) throw error;
    throw unreachable(url, error);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Somebody answered, and not as it should be. */
export function badAnswer(url: string, reason: string): AuditorError {
  return new AuditorError({ code: 'bad_answer', url }, `${url}: ${reason}`);
}

/** Nobody answered, or not to the end. */
export function unreachable(url: string, error: unknown): AuditorError {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = cause instanceof Error ? cause.message : messageOf(error);
  return new AuditorError(
    { code: 'unreachable', url },
    `${url}: does not answer: ${reason}; is the address right, and is it served there?`,
    { cause: error },
  );
}
