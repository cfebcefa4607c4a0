/**
 * Damaged and lying NIfTI files, many of them: whatever a header claims, the reader answers with an image or a `DataError`,
 * within bounded memory. Run by itself it does one kind of them (`headers`, `gzip`, or `volume` of 16 or 32 bits) and prints the
 * most memory that the process ever held, in bytes.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createGzip, gunzipSync, gzipSync } from 'node:zlib';
import { seededRandom, type Random } from '../../../src/base/index.ts';
import { DataError, decodeNifti, readCt } from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';

const folder = join(projectRoot, '..', 'shared', 'data', 'odd', 'nifti_ok');
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));

/** How many files were read and how many refused. */
export interface Outcome {
  readonly read: number;
  readonly refused: number;
}

/** Codes and bits of types that can be read, and of others. */
const types = [[2, 8], [4, 16], [8, 32], [16, 32], [64, 64], [256, 8], [512, 16], [768, 32], [1024, 64], [1280, 64], [1536, 128], [128, 24], [0, 0]] as const; // prettier-ignore
const numbers = [0, -0, 1, -1, 3, 1e-30, 1e7, 3e38, -3e38, NaN, Infinity, 352, 353, 368, 2 ** 31];

/** A header with a few of its fields changed to what is seldom there, and a few bytes of it to anything. */
function changedHeader(random: Random, from: Uint8Array): Uint8Array {
  const bytes = from.slice();
  const view = new DataView(bytes.buffer);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.uniform() * list.length)]!;
  const isFirst = view.getInt32(0, true) === 348;
  const count = (): number =>
    Math.floor(2 ** (random.uniform() * 15)) * (random.uniform() < 0.05 ? -1 : 1);
  for (let n = 0; n < 3; n++) {
    const axis = Math.floor(random.uniform() * 8);
    if (random.uniform() < 0.6) {
      if (isFirst) view.setInt16(40 + 2 * axis, axis === 0 ? pick([2, 3, 4, 5, 7]) : count(), true);
      else view.setBigInt64(16 + 8 * axis, BigInt(axis === 0 ? 4 : count()) ** 2n, true);
    }
    const at = Math.floor(random.uniform() * 30);
    if (random.uniform() < 0.6) {
      if (isFirst) view.setFloat32(76 + 4 * at, pick(numbers), true);
      else view.setFloat64(104 + 8 * at, pick(numbers), true);
    }
  }
  if (random.uniform() < 0.5) {
    const [code, bits] = pick(types);
    view.setInt16(isFirst ? 70 : 12, code, true);
    view.setInt16(isFirst ? 72 : 14, bits, true);
  }
  if (random.uniform() < 0.3)
    view.setUint8(Math.floor(random.uniform() * 400), random.uniform() * 256);
  return random.uniform() < 0.1 ? bytes.subarray(0, Math.floor(random.uniform() * 600)) : bytes;
}

/** What a header claims that its file has, by NIfTI's own arithmetic; 0 of a packed file. */
function neededBytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirst = view.getInt32(0, true) === 348;
  if (!isFirst && view.getInt32(0, true) !== 540) return 0;
  const dim = (n: number): number =>
    isFirst ? view.getInt16(40 + 2 * n, true) : Number(view.getBigInt64(16 + 8 * n, true));
  const bits = view.getInt16(isFirst ? 72 : 14, true);
  const offset = isFirst ? view.getFloat32(108, true) : Number(view.getBigInt64(168, true));
  let voxels = 1;
  for (let n = 1; n <= dim(0); n++) voxels *= dim(n);
  return offset + (voxels * bits) / 8;
}

async function outcomeOf(files: Iterable<Uint8Array>): Promise<Outcome> {
  const outcome = { read: 0, refused: 0 };
  let turn = 0;
  for (const bytes of files) {
    try {
      turn += 1;
      // As between two files that are read from a disk: Node lets go of an inflater's buffer only then.
      if (turn % 20 === 0) await setImmediate();
      if (turn % 2 === 0) decodeNifti(bytes, { frame: 0, axes: 'LAS', units: 'mm' });
      else readCt(bytes, { frame: 0, axes: 'LAS', units: 'header' });
      outcome.read += 1;
      const needed = neededBytes(bytes);
      if (needed > bytes.length) {
        throw new Error(`accepted ${bytes.length} bytes of ${needed} that its header claims`);
      }
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      outcome.refused += 1;
    }
  }
  return outcome;
}

export function fuzzHeaders(count: number, seed: string): Promise<Outcome> {
  const random = seededRandom(seed);
  const sources = [read('base_i16.nii'), new Uint8Array(gunzipSync(read('nifti2_i16.nii.gz')))];
  function* files(): Generator<Uint8Array> {
    for (let n = 0; n < count; n++) yield changedHeader(random, sources[n % 2]!);
  }
  return outcomeOf(files());
}

export function fuzzGzip(count: number, seed: string): Promise<Outcome> {
  const random = seededRandom(seed);
  const source = read('base_i16.nii');
  const zeros = new Uint8Array(2 ** 21);
  function* files(): Generator<Uint8Array> {
    for (let n = 0; n < count; n++) {
      const header = changedHeader(random, source);
      // As much behind it as makes many claims come true, well compressed.
      const behind = zeros.subarray(0, Math.floor(2 ** (random.uniform() * 21)));
      const packed = new Uint8Array(gzipSync(Buffer.concat([header, behind]), { level: 1 }));
      if (random.uniform() < 0.3)
        packed[Math.floor(random.uniform() * packed.length)]! ^= 1 << (n % 8);
      const keep =
        random.uniform() < 0.2 ? Math.floor(random.uniform() * packed.length) : packed.length;
      yield packed.subarray(0, keep);
    }
  }
  return outcomeOf(files());
}

/** The largest volume that is read, 2^27 voxels, in the type that takes most memory: packed to 1/400 of it. */
async function largestVolume(code: number, bits: number): Promise<Uint8Array> {
  const head = read('base_i16.nii').slice(0, 352);
  const view = new DataView(head.buffer);
  for (const n of [42, 44, 46]) view.setInt16(n, 512, true);
  view.setInt16(70, code, true);
  view.setInt16(72, bits, true);
  const gzip = createGzip();
  const parts: Buffer[] = [];
  gzip.on('data', (part: Buffer) => parts.push(part));
  gzip.write(head);
  const random = seededRandom('largest');
  const block = new Uint8Array(2 ** 16);
  for (let left = (2 ** 27 * bits) / 8; left > 0; left -= block.length) {
    // Small enough as an int16, as a float32 next to 0.
    block.fill(0);
    for (let n = 0; n < 100; n++)
      block[2 * Math.floor(random.uniform() * 30_000)] = random.uniform() * 256;
    if (!gzip.write(block.slice())) await once(gzip, 'drain');
  }
  gzip.end();
  await once(gzip, 'end');
  return new Uint8Array(Buffer.concat(parts));
}

async function main(): Promise<void> {
  const [what, number] = [process.argv[2], Number(process.argv[3])];
  const outcomes = {
    headers: () => fuzzHeaders(number, 'headers'),
    gzip: () => fuzzGzip(number, 'gzip'),
    volume: async () => outcomeOf([await largestVolume(number === 16 ? 4 : 16, number)]),
  };
  const outcome = await outcomes[what as keyof typeof outcomes]();
  // kB on every system, as getrusage has it.
  const maxBytes = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(`${JSON.stringify({ outcome, maxBytes })}\n`);
}

// Not awaited here: a test that imports this file is loaded without waiting.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) void main();
