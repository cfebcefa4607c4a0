/** The bytes of each frame of a file: as they stand, or the joined fragments of what is compressed (PS3.5, A.4). */
import { checkCodestream } from './codestream.ts';
import type { PixelElement } from './elements.ts';
import type { PixelFormat } from './pixel-format.ts';
import { breaks } from './refusal.ts';
import type { TransferSyntax } from './transfer-syntax.ts';

/**
 * Bytes of each frame, in pieces that belong together in their order. Every frame is whole: native ones by their length, compressed
 * ones by the sizes and the end that their own data name.
 *
 * @throws {DataError} 'dicom': file_cut_short, file_damaged, pixels_damaged
 */
export function framePieces(
  pixels: PixelElement,
  format: PixelFormat,
  { codec }: TransferSyntax,
): readonly Uint8Array[] {
  if (codec === null) return nativeFrames(pixels, format);
  if (pixels.kind === 'native') {
    throw breaks(
      'file_damaged',
      'PixelData: expected compressed frames in fragments, got plain bytes',
    );
  }
  const frames = compressedFrames(pixels.parts, format.frameCount);
  for (const frame of frames) checkCodestream(frame, codec, format);
  return frames;
}

function nativeFrames({ kind, parts }: PixelElement, format: PixelFormat): Uint8Array[] {
  const [bytes] = parts;
  if (kind !== 'native' || bytes === undefined) {
    throw breaks(
      'file_damaged',
      'PixelData: expected plain bytes, got fragments of compressed frames',
    );
  }
  const { rows, columns, frameCount, bitsAllocated } = format;
  const frameBytes = (rows * columns * bitsAllocated) / 8;
  const needed = frameBytes * frameCount;
  if (bytes.byteLength === 0) {
    throw breaks('no_pixels', 'PixelData: expected the pixels of the image, it is empty');
  }
  if (bytes.byteLength < needed) {
    throw breaks(
      'file_cut_short',
      `PixelData: expected ${needed} bytes for ${rows} x ${columns} pixels, got ${bytes.byteLength}`,
    );
  }
  if (bytes.byteLength >= needed + frameBytes) {
    throw breaks(
      'pixels_damaged',
      `PixelData: expected ${needed} bytes for ${frameCount} frames, got ${bytes.byteLength}: more frames than are told`,
    );
  }
  return Array.from({ length: frameCount }, (_, n) =>
    bytes.subarray(n * frameBytes, (n + 1) * frameBytes),
  );
}

function compressedFrames(parts: readonly Uint8Array[], frameCount: number): Uint8Array[] {
  const [table, ...fragments] = parts;
  if (table === undefined || fragments.length === 0) {
    throw breaks('no_pixels', 'PixelData: expected compressed frames, there are none');
  }
  if (fragments.length < frameCount) {
    throw breaks(
      'file_cut_short',
      `PixelData: expected ${frameCount} frames, got ${fragments.length} fragments`,
    );
  }
  if (frameCount === 1) return [joined(fragments)];
  if (fragments.length === frameCount) return fragments;
  return byOffsets(table, fragments, frameCount);
}

/** Frames of several fragments: the table says with which each begins. */
function byOffsets(
  table: Uint8Array,
  fragments: readonly Uint8Array[],
  frameCount: number,
): Uint8Array[] {
  if (table.byteLength !== 4 * frameCount) {
    throw breaks(
      'pixels_damaged',
      `PixelData: expected a table of ${frameCount} offsets, since frames have several fragments, ` +
        `got ${table.byteLength} bytes`,
    );
  }
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const indexAt = new Map<number, number>();
  let at = 0;
  for (const [index, fragment] of fragments.entries()) {
    indexAt.set(at, index);
    at += 8 + fragment.byteLength;
  }
  const starts = Array.from(
    { length: frameCount },
    (_, n) => indexAt.get(view.getUint32(4 * n, true)) ?? -1,
  );
  const isSound = starts.every((start, n) =>
    n === 0 ? start === 0 : start > (starts[n - 1] ?? 0),
  );
  if (!isSound) {
    throw breaks('pixels_damaged', 'PixelData: expected offsets of its own fragments, got others');
  }
  return starts.map((start, n) => joined(fragments.slice(start, starts[n + 1])));
}

function joined(fragments: readonly Uint8Array[]): Uint8Array {
  const [first] = fragments;
  if (fragments.length === 1 && first !== undefined) return first;
  return new Uint8Array(Buffer.concat(fragments));
}
