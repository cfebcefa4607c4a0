/** The voxels of a series: its files once more, one after the other, into one volume. */
import { isDeepStrictEqual } from 'node:util';
import { DataError } from '../errors.ts';
import { checkExtent, valueRange, type CtFile } from '../own/ct.ts';
import { spacingOf, voxelCount, type Geometry } from '../volume/volume.ts';
import { decodeFrame } from './codecs.ts';
import type { FrameFacts } from './frames.ts';
import { toHu, type SliceFindings } from './hu.ts';
import { readInstance, type Instance } from './instance.ts';
import { breaks } from './refusal.ts';

/** A slice as its file was found before. */
export interface KnownSlice extends FrameFacts {
  readonly file: string;
  readonly instance: Instance;
}

/**
 * Reads the slices, which are in the order of k, each file once.
 *
 * @throws {DataError} 'dicom' when a file has changed, is damaged, or holds values of no CT; 'bad_field' for less than a heart
 */
export async function readVoxels(
  geometry: Geometry,
  slices: readonly KnownSlice[],
  read: (file: string) => Promise<Uint8Array>,
  notes: readonly string[],
): Promise<CtFile> {
  checkExtent(geometry.shape, spacingOf(geometry.affine), 'export the whole volume');
  const [, height, width] = geometry.shape;
  const data = new Float32Array(voxelCount(geometry.shape));
  const places = new Map<Instance, { readonly k: number; readonly slice: KnownSlice }[]>();
  for (const [k, slice] of slices.entries()) {
    const known = places.get(slice.instance) ?? [];
    places.set(slice.instance, known);
    known.push({ k, slice });
  }
  let [padded, stray] = [0, 0];
  for (const [instance, known] of places) {
    const { pieces, syntax } = openAgain(instance, await read(instance.file));
    for (const { k, slice } of known) {
      const piece = pieces[(slice.frame ?? 1) - 1] ?? new Uint8Array(0);
      const into = data.subarray(k * height * width, (k + 1) * height * width);
      const pixels =
        syntax.codec === null ? piece : await about(slice, () => decodeFrame(piece, syntax.codec ?? 'rle', instance.format)); // prettier-ignore
      const isLittleEndian = syntax.codec !== null || syntax.isLittleEndian;
      const found = toHu(pixels, isLittleEndian, instance.format, slice, into);
      checkValues(found, instance.file);
      padded += found.padded;
      stray += found.stray;
    }
  }
  return {
    volume: { ...geometry, data },
    notes: [...notes, ...notesOn(padded, stray, data.length)],
  };
}

/** The frames of a file that was read before. @throws {DataError} 'dicom' file_damaged when it is another now */
function openAgain(
  instance: Instance,
  bytes: Uint8Array,
): Extract<ReturnType<typeof readInstance>, { kind: 'image' }> {
  const found = readInstance(instance.file, bytes);
  if (found.kind === 'image' && isDeepStrictEqual(found.instance, instance)) return found;
  throw breaks(
    'file_damaged',
    `${instance.file}: expected the file as it was before, it has changed`,
  );
}

async function about<T>({ file }: KnownSlice, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.facts, `${file}: ${error.message}`, { cause: error });
  }
}

function checkValues({ lowest, highest }: SliceFindings, file: string): void {
  if (lowest >= valueRange.min && highest <= valueRange.max) return;
  const came = lowest < valueRange.min ? lowest : highest;
  throw breaks(
    'rescale',
    `${file}: expected HU from ${valueRange.min} to ${valueRange.max}, got ${came.toPrecision(3)}`,
  );
}

function notesOn(padded: number, stray: number, count: number): string[] {
  const notes: string[] = [];
  if (padded > 0) {
    const share = ((100 * padded) / count).toFixed(1);
    notes.push(
      `${padded} of ${count} voxels (${share} %) are padding outside of the scanner's circle: left as they are`,
    );
  }
  if (stray > 0) {
    notes.push(
      `${stray} of ${count} voxels have bits set beside those of BitsStored, as overlays do: left out`,
    );
  }
  return notes;
}
