/** DICOM files with damaged bytes, thrown at the reader: what must hold whatever they say. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeFrame } from '../../../src/data/dicom/codecs.ts';
import { readInstance } from '../../../src/data/dicom/instance.ts';
import { DataError } from '../../../src/data/index.ts';
import { sharedData } from './folders.ts';

/** What became of the mutated files. */
export interface Tally {
  image: number;
  refused: number;
  other: number;
  decoded: number;
}

const gibibyte = 2 ** 30;
/** Lengths and numbers that break readers. */
const extremes = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff,
];
const folders = ['explicit_be', 'implicit_le', 'unsigned12', 'oblique25'];

/** Whole files of several encodings, and where their pixels begin. */
function seeds(): { readonly bytes: Uint8Array; readonly headerBytes: number }[] {
  const paths = folders.map((name) => join(sharedData, 'odd', 'dicom_ok', name));
  paths.push(join(sharedData, 'dicom_ct', 'series'));
  return paths.map((folder) => {
    const bytes = new Uint8Array(readFileSync(join(folder, readdirSync(folder)[0]!)));
    // Pixels and, where they are compressed, the first hundred bytes of the frame.
    const headerBytes = Math.max(
      1000,
      bytes.byteLength - (bytes.byteLength > 10_000 ? 152_000 : 1000),
    );
    return { bytes, headerBytes };
  });
}

/** Reads `count` mutated files and holds each against the rules. */
export async function throwMutations(count: number, seed: number): Promise<Tally> {
  const tally: Tally = { image: 0, refused: 0, other: 0, decoded: 0 };
  const files = seeds();
  const random = randomFrom(seed);
  for (let n = 0; n < count; n++) {
    const { bytes, headerBytes } = files[n % files.length]!;
    const mutated = mutate(bytes, headerBytes, random);
    const found = readInstance('a.dcm', mutated);
    if (found.kind === 'image') {
      tally.image += 1;
      const { rows, columns, frameCount, bitsAllocated } = found.instance.format;
      const needed = (rows * columns * frameCount * bitsAllocated) / 8;
      if (found.syntax.codec === null) {
        const given = found.pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
        expect(given, `mutation ${n}: a payload that is too short`).equal(needed);
        expect(given).lessThanOrEqual(Math.max(mutated.byteLength, 2 ** 29));
      } else if (tally.decoded < count / 1000) {
        tally.decoded += 1;
        await decode(found.pieces[0]!, found, needed);
      }
    } else if (found.kind === 'refused') tally.refused += 1;
    else tally.other += 1;
    if (n % 500 === 0) expect(process.memoryUsage().rss, `mutation ${n}`).lessThan(gibibyte);
  }
  return tally;
}

async function decode(
  piece: Uint8Array,
  { instance, syntax }: Extract<ReturnType<typeof readInstance>, { kind: 'image' }>,
  needed: number,
): Promise<void> {
  try {
    const pixels = await decodeFrame(piece, syntax.codec!, instance.format);
    expect(pixels.byteLength).equal(needed);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
  }
}

/** The bytes with a few of the first `headerBytes` changed, or cut short. */
export function mutate(bytes: Uint8Array, headerBytes: number, random: () => number): Uint8Array {
  const below = (limit: number): number => Math.floor(random() * limit);
  const kind = below(10);
  if (kind === 0) return bytes.slice(0, below(bytes.byteLength));
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let change = below(4) + 1; change > 0; change--) {
    const at = 128 + below(headerBytes - 136);
    const extreme = extremes[below(extremes.length)]!;
    if (kind < 5) copy[at] = below(256);
    else if (kind < 7) view.setUint16(at, extreme & 0xffff, true);
    else if (kind < 9) view.setUint32(at, extreme >>> 0, true);
    else copy.copyWithin(at, at + below(16), headerBytes);
  }
  return copy;
}

/** Mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
