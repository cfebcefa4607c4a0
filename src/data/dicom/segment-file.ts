/**
 * What a DICOM Segmentation (PS3.3, A.51) says: its segments, the frames of each with their places, and the bits of all frames.
 * Binary ones alone: a voxel is in a segment or is not.
 */
import type { DataSet } from './elements.ts';
import type { OpenFile } from './file.ts';
import { frameSourcesOf, placeOf, type FramePlace } from './frames.ts';
import { breaks } from './refusal.ts';
import { textOf } from './text.ts';
import {
  asciiOf,
  elementOf,
  integerTextOf,
  missing,
  requiredShort,
  shortOf,
  uidOf,
} from './values.ts';

/** A segment, by its number in the file. */
export interface SegmentName {
  readonly number: number;
  /** What whoever drew it typed. */
  readonly label: string;
}

/** A slice of one segment. */
export interface SegmentFrame extends FramePlace {
  readonly segment: number;
}

/** A segmentation. */
export interface SegmentFile {
  /** Of the images that it was drawn on; empty where it does not say. */
  readonly sourceSeriesUids: readonly string[];
  /** Null where it has none. */
  readonly frameOfReferenceUid: string | null;
  readonly rows: number;
  readonly columns: number;
  readonly segments: readonly SegmentName[];
  /** In the order of their bits. */
  readonly frames: readonly SegmentFrame[];
  /** A bit for each voxel, the lowest first; frames on end, so that one may begin in the middle of a byte (PS3.5, 8.1.1). */
  readonly bits: Uint8Array;
}

/** Segmentations, surfaces, and maps of labels (PS3.4, B.5). */
const classes: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.1.1.66.4',
  '1.2.840.10008.5.1.4.1.1.66.5',
  '1.2.840.10008.5.1.4.1.1.66.7',
]);
/** 100 structures of 500 slices. */
const framesMax = 65_536;
const segmentsMax = 1024;

/** Whether a file holds labels, of whatever kind. */
export function isSegmentation(dataSet: DataSet, meta: DataSet): boolean {
  const sopClass = asciiOf(dataSet, 'SOPClassUID') || asciiOf(meta, 'MediaStorageSOPClassUID');
  return classes.has(sopClass) || asciiOf(dataSet, 'Modality') === 'SEG';
}

/**
 * The segmentation in a file.
 *
 * @throws {DataError} 'dicom': seg_type, seg_segments, and as an image
 */
export function segmentFileOf({ dataSet, pixels, syntax, problem }: OpenFile): SegmentFile {
  if (problem !== null) throw problem;
  const type = asciiOf(dataSet, 'SegmentationType');
  if (type !== 'BINARY') {
    const came = ['FRACTIONAL', 'LABELMAP'].includes(type) ? type : 'another kind';
    throw breaks('seg_type', `SegmentationType: expected BINARY, got ${came}`);
  }
  if (pixels === null || syntax === null) {
    throw breaks('no_pixels', 'PixelData: expected the voxels of the segments, there are none');
  }
  if (pixels.kind !== 'native' || syntax.codec !== null) {
    throw breaks('transfer_syntax', 'PixelData: expected plain bits, got compressed frames');
  }
  checkBits(dataSet);
  if (!syntax.isLittleEndian && pixels.vr !== 'OB') {
    throw breaks('pixel_format', 'PixelData: expected bits in bytes, got big endian words');
  }
  const [rows, columns] = [requiredShort(dataSet, 'Rows'), requiredShort(dataSet, 'Columns')];
  const frameCount = integerTextOf(dataSet, 'NumberOfFrames') ?? missing('NumberOfFrames');
  if (!(rows > 0 && columns > 0 && frameCount >= 1 && frameCount <= framesMax)) {
    const came = `${rows} x ${columns}, ${frameCount} times`;
    throw breaks('value', `Rows, Columns, NumberOfFrames: expected at least 1 and at most ${framesMax} frames, got ${came}`); // prettier-ignore
  }
  const [bits = new Uint8Array(0)] = pixels.parts;
  checkLength(bits, rows * columns * frameCount);
  const segments = segmentsOf(dataSet);
  return {
    sourceSeriesUids: sourcesOf(dataSet),
    frameOfReferenceUid: uidOf(dataSet, 'FrameOfReferenceUID'),
    ...{ rows, columns, segments, bits },
    frames: frameSourcesOf(dataSet, frameCount).map((source, index) => {
      const named = source.macro('SegmentIdentificationSequence');
      const segment = named === null ? null : shortOf(named, 'ReferencedSegmentNumber');
      if (segment !== null && segments.some(({ number }) => number === segment)) {
        return { ...placeOf(source), segment };
      }
      const came = segment === null ? 'none' : String(segment);
      throw breaks('seg_segments', `ReferencedSegmentNumber: expected a segment of the file in frame ${index + 1}, got ${came}`); // prettier-ignore
    }),
  };
}

/** Bits of their own, grey and unsigned, as a binary segmentation's are. */
function checkBits(dataSet: DataSet): void {
  const expected = [
    ['BitsAllocated', 1],
    ['BitsStored', 1],
    ['HighBit', 0],
    ['SamplesPerPixel', 1],
    ['PixelRepresentation', 0],
  ] as const;
  for (const [keyword, wanted] of expected) {
    const came = shortOf(dataSet, keyword) ?? wanted;
    if (came === wanted) continue;
    throw breaks('seg_type', `${keyword}: expected ${wanted} of a BINARY one, got ${came}`);
  }
}

function checkLength({ byteLength }: Uint8Array, voxels: number): void {
  const needed = Math.ceil(voxels / 8);
  if (byteLength < needed) {
    throw breaks('file_cut_short', `PixelData: expected ${needed} bytes, got ${byteLength}`);
  }
  if (byteLength > needed + 1) {
    throw breaks('pixels_damaged', `PixelData: expected ${needed} bytes, got ${byteLength}: frames on end, a bit for each voxel`); // prettier-ignore
  }
}

function segmentsOf(dataSet: DataSet): SegmentName[] {
  const items = elementOf(dataSet, 'SegmentSequence')?.items ?? [];
  if (items.length === 0 || items.length > segmentsMax) {
    throw breaks('seg_segments', `SegmentSequence: expected 1 to ${segmentsMax} segments, got ${items.length}`); // prettier-ignore
  }
  const segments = items.map((item) => {
    const label = textOf(item, 'SegmentLabel', dataSet).trim();
    if (label === '') missing('SegmentLabel');
    return { number: requiredShort(item, 'SegmentNumber'), label };
  });
  if (new Set(segments.map(({ number }) => number)).size === segments.length) return segments;
  throw breaks('seg_segments', 'SegmentNumber: expected each once, got one twice');
}

function sourcesOf(dataSet: DataSet): string[] {
  const items = elementOf(dataSet, 'ReferencedSeriesSequence')?.items ?? [];
  return items.flatMap((item) => uidOf(item, 'SeriesInstanceUID') ?? []);
}
