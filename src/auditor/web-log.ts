/**
 * A log as it is served over HTTP in the layout of tlog-tiles. Nothing is believed for having come from there: it is checked as
 * a folder is. HTTP gives no list of files, so the names are those that the heads and the last block make.
 */
import {
  bundlesOf,
  checkpointName,
  decisionName,
  decodeBundle,
  nextCheckpointName,
  parseCheckpoint,
  parseNote,
  policyName,
  tileNames,
  tilePath,
  type LogDirectory,
} from '../audit/index.ts';
import { fromUtf8, utf8 } from '../base/index.ts';
import { badAnswer, type FetchBytes } from './web-fetch.ts';

/** Largest file of a log: a full bundle. */
const fileBytesMax = 17 * 2 ** 20;
/** Files that are asked for before they are read, so that a far server's delay is not paid for each. */
const aheadMax = 16;
/** No log that we read has more: a head that says so is nonsense, and would make us ask for ever. */
const entriesMax = 100_000_000;
const versionsMax = 100_000;

/** @throws {AuditorError} 'bad_answer' unless it is `https:`, or `http:` to this machine */
export function parseLogUrl(text: string): URL {
  const refuse = (): Error =>
    badAnswer(
      text,
      'expected https://host/path/ of a served log; http: is for this machine alone (127.0.0.1)',
    );
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refuse();
  }
  const isHere = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  const isGood = url.protocol === 'https:' || (url.protocol === 'http:' && isHere);
  if (!isGood || url.search !== '' || url.hash !== '' || url.username !== '') throw refuse();
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/** The log at this address. Use it for one check: what was read is not asked for again. */
export function webLog(url: URL, fetchBytes: FetchBytes): LogDirectory {
  const files = new Map<string, Promise<Uint8Array | null>>();
  let listed: Promise<string[]> | null = null;
  const fetched = (name: string): Promise<Uint8Array | null> =>
    fetchBytes(new URL(name, url).href, fileBytesMax);
  const order = new Map<string, number>();
  let names: readonly string[] = [];
  const read = async (name: string): Promise<Uint8Array | null> => {
    // A failure is told where the file is read, and not before.
    const place = order.get(name);
    for (const one of place === undefined ? [name] : names.slice(place, place + aheadMax)) {
      if (files.has(one)) continue;
      const coming = fetched(one);
      coming.catch(() => undefined);
      files.set(one, coming);
    }
    const found = files.get(name) ?? fetched(name);
    // Decisions and tiles are read once.
    if (place !== undefined) files.delete(name);
    return found;
  };
  const list = async (): Promise<string[]> => {
    names = await namesOf(url, fetched);
    for (const [at, name] of names.entries()) order.set(name, at);
    return [...names];
  };
  return { read, list: () => (listed ??= list()) };
}

async function namesOf(
  url: URL,
  read: (name: string) => Promise<Uint8Array | null>,
): Promise<string[]> {
  const [head, next] = [await read(checkpointName), await read(nextCheckpointName)];
  if (head === null && next === null) {
    throw badAnswer(url.href, `expected a log with its ${checkpointName}, found none`);
  }
  const heads: readonly (readonly [string, Uint8Array | null])[] = [
    [checkpointName, head],
    [nextCheckpointName, next],
  ];
  const names = ['manifest.json', policyName];
  let largest = 0;
  for (const [name, bytes] of heads) {
    if (bytes === null) continue;
    const size = sizeOf(url, name, bytes);
    names.push(name, ...tileNames(size));
    largest = Math.max(largest, size);
  }
  const { height, version } = await lastBlock(url, largest, read);
  for (let at = 1; at <= version; at++) names.push(`manifest-${at}.json`, `${policyName}-${at}`);
  for (let at = 1; at <= height; at++) names.push(decisionName(at));
  return [...new Set(names)];
}

function sizeOf(url: URL, name: string, bytes: Uint8Array): number {
  const { size } = parseCheckpoint(parseNote(bytes).text);
  if (size <= entriesMax) return size;
  throw badAnswer(url.href, `${name} says ${size} entries, more than ${entriesMax}`);
}

/** Height and version of the manifest after the last entry, which is a block. What it says is checked later. */
async function lastBlock(
  url: URL,
  size: number,
  read: (name: string) => Promise<Uint8Array | null>,
): Promise<{ readonly height: number; readonly version: number }> {
  const bundle = bundlesOf(size).at(-1);
  if (bundle === undefined) return { height: 0, version: 0 };
  const refuse = (reason: string): Error => badAnswer(url.href, `${tilePath(bundle)}: ${reason}`);
  const bytes = await read(tilePath(bundle));
  if (bytes === null) throw refuse('expected the last entries, found nothing');
  let block: { h?: unknown; e?: unknown; ops?: unknown };
  try {
    block = Object(
      JSON.parse(fromUtf8(decodeBundle(bytes, bundle.width).at(-1) ?? utf8(''))),
    ) as typeof block;
  } catch {
    throw refuse('expected a block as the last entry');
  }
  const { h, e, ops } = block;
  const isCount = (value: unknown, max: number): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
  if (!isCount(h, size) || !isCount(e, versionsMax))
    throw refuse('expected a block as the last entry');
  const isChange =
    Array.isArray(ops) &&
    ops.some((op: unknown) => (Object(op) as { op?: unknown }).op === 'MEMBER');
  return { height: h, version: e + (isChange ? 1 : 0) };
}
