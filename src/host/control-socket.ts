/**
 * How commands on this machine reach a running node: HTTP with small JSON bodies over a Unix socket that its owner alone may open.
 * Nothing of it can be reached from a network.
 */
import { chmod, lstat, rm } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '../base/index.ts';
import { diskError, errnoOf } from './disk-error.ts';
import { isAbsent } from './durable-files.ts';
import { HostError } from './errors.ts';

/** One question of a command. */
export interface ControlRequest {
  readonly method: string;
  /** Without the query: `/status`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
  /** Fires when whoever asked is gone. */
  readonly signal: AbortSignal;
}

/** What is answered: JSON. */
export interface ControlAnswer {
  /** HTTP's: 200, 404 and so on. */
  readonly status: number;
  readonly body: unknown;
}

/** Answers a question. What it throws becomes 500 with the error's message. */
export type ControlHandler = (asked: ControlRequest) => Promise<ControlAnswer>;

/** A socket that listens. */
export interface ControlSocket {
  /** Ends all conversations and removes the socket. */
  close(): Promise<void>;
}

/** Longest path that every system takes for a socket, bytes. */
const pathBytesMax = 103;
/** Largest question: a manifest with a hundred members and their signatures. */
const bodyBytesMax = 4 * 1024 * 1024;
/** Largest answer: a status with its journal. */
const answerBytesMax = 16 * 1024 * 1024;
const connectionsMax = 64;
const requestMsMax = 30_000;

/**
 * Listens at `path`, over what a killed process left there: the caller holds the lock of the node.
 *
 * @throws {HostError} 'bad_setting' for a path that is too long or taken by another file, or a disk code
 */
export async function openControlSocket(
  path: string,
  handler: ControlHandler,
): Promise<ControlSocket> {
  checkPath(path);
  try {
    await removeOld(path);
    const server = createServer({ requestTimeout: requestMsMax }, (asked, answer) => {
      void converse(asked, answer, handler);
    });
    server.maxConnections = connectionsMax;
    await new Promise<void>((resolve, reject) => {
      // For good: later ones tell of a connection that could not be taken, and must not end the node.
      server.on('error', reject);
      server.listen(path, resolve);
    });
    const close = async (): Promise<void> => {
      const closed = new Promise<void>((resolve) => server.close(() => { resolve(); })); // prettier-ignore
      server.closeAllConnections();
      await closed;
      await rm(path, { force: true });
    };
    try {
      await chmod(path, 0o600);
    } catch (error) {
      // Who cannot close it to others must not go on listening: nobody else would ever end it.
      await close();
      throw error;
    }
    return { close };
  } catch (error) {
    throw diskError(path, error);
  }
}

/**
 * Asks the node behind the socket at `path`.
 *
 * @throws {HostError} 'no_control' when none answers, 'bad_control' when it does not answer in JSON
 */
export async function askControl(
  path: string,
  asked: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: Uint8Array },
  signal?: AbortSignal,
): Promise<ControlAnswer> {
  checkPath(path);
  const { method, body } = asked;
  return new Promise<ControlAnswer>((resolve, reject) => {
    const fail = (error: unknown): void => {
      const errno = errnoOf(error);
      if (errno === 'EACCES' || errno === 'EPERM') {
        reject(new HostError({ code: 'disk_denied', path }, { cause: error }));
      } else reject(new HostError({ code: 'no_control', path }, { cause: error }));
    };
    const options = { socketPath: path, method, path: asked.path, ...(signal && { signal }) };
    const sent = request(options, (answer) => {
      readBody(answer, answerBytesMax).then((bytes) => {
        const parsed = parse(bytes);
        if (parsed === undefined) reject(new HostError({ code: 'bad_control', path }));
        else resolve({ status: answer.statusCode ?? 500, body: parsed });
      }, fail);
    });
    sent.on('error', fail);
    sent.end(body);
  });
}

async function converse(
  asked: IncomingMessage,
  answer: ServerResponse,
  handler: ControlHandler,
): Promise<void> {
  const gone = new AbortController();
  answer.on('close', () => {
    gone.abort();
  });
  const say = ({ status, body }: ControlAnswer): void => {
    if (gone.signal.aborted) return;
    // First: what is no JSON must throw before anything is on its way.
    const text = `${JSON.stringify(body)}\n`;
    answer.writeHead(status, { 'content-type': 'application/json' });
    answer.end(text);
  };
  try {
    const body = await readBody(asked, bodyBytesMax);
    const { pathname, searchParams } = new URL(asked.url ?? '/', 'http://node');
    const { method = 'GET' } = asked;
    const { signal } = gone;
    say(await handler({ method, path: pathname, query: searchParams, body, signal }));
  } catch (error) {
    const status = error instanceof RangeError ? 413 : 500;
    say({ status, body: { error: messageOf(error) } });
  }
}

/** @throws {RangeError} when it is longer than `bytesMax`: no more than that is ever held */
async function readBody(from: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of from as AsyncIterable<Uint8Array>) {
    length += part.byteLength;
    if (length > bytesMax) throw new RangeError(`expected at most ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

function checkPath(path: string): void {
  if (Buffer.byteLength(path) <= pathBytesMax) return;
  const expected = `a path of at most ${pathBytesMax} bytes for the socket, got ${path}: set control.socket in node.yaml to a shorter one`;
  throw new HostError({ code: 'bad_setting', key: 'control.socket', expected });
}

async function removeOld(path: string): Promise<void> {
  const facts = await lstat(path).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  if (facts === null) return;
  if (!facts.isSocket()) {
    const expected = `a path where nothing is, or an old socket: ${path} is another file`;
    throw new HostError({ code: 'bad_setting', key: 'control.socket', expected });
  }
  await rm(path);
}
