/** RLE (PS3.5, G): runs of bytes, the high bytes of all pixels before the low ones. Ours, since dcmjs-codecs fills up what is missing. */
import type { PixelFormat } from './pixel-format.ts';
import { breaks } from './refusal.ts';

const headerBytes = 64;

/** The packed segments of a frame, one for each byte of a pixel. @throws {DataError} 'dicom' pixels_damaged, file_cut_short */
export function rleSegments(frame: Uint8Array, { bitsAllocated }: PixelFormat): Uint8Array[] {
  if (frame.byteLength < headerBytes) throw cutShort(headerBytes, frame.byteLength);
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const count = view.getUint32(0, true);
  if (count !== bitsAllocated / 8) throw damaged(`${bitsAllocated / 8} segments`, `${count}`);
  const starts = Array.from({ length: count }, (_, n) => view.getUint32(4 + 4 * n, true));
  return starts.map((start, n) => {
    const end = starts[n + 1] ?? frame.byteLength;
    if (start < headerBytes || end < start) throw damaged('segments one after the other', 'others');
    if (end > frame.byteLength) throw cutShort(end, frame.byteLength);
    return frame.subarray(start, end);
  });
}

/** Pixels of a frame, little endian. @throws {DataError} as `rleSegments`, and when a segment holds too few bytes */
export function decodeRle(frame: Uint8Array, format: PixelFormat): Uint8Array {
  const segments = rleSegments(frame, format);
  const count = format.rows * format.columns;
  const pixels = new Uint8Array(count * segments.length);
  for (const [n, segment] of segments.entries()) {
    unpack(segment, pixels, segments.length - 1 - n, segments.length, count);
  }
  return pixels;
}

/** Writes `count` bytes at `first`, `first + step`, … */
function unpack(
  packed: Uint8Array,
  into: Uint8Array,
  first: number,
  step: number,
  count: number,
): void {
  let at = 0;
  let done = 0;
  while (done < count) {
    const control = packed[at++];
    if (control === undefined) throw cutShort(count, done);
    // 128 says nothing (PS3.5, G.3.1).
    if (control === 128) continue;
    const isRun = control > 128;
    const length = isRun ? 257 - control : control + 1;
    if (at + (isRun ? 1 : length) > packed.byteLength) throw cutShort(count, done);
    if (done + length > count) throw damaged(`${count} pixels`, 'more');
    for (let n = 0; n < length; n++) {
      into[first + (done + n) * step] = packed[isRun ? at : at + n] ?? 0;
    }
    at += isRun ? 1 : length;
    done += length;
  }
}

function damaged(expected: string, came: string): Error {
  return breaks('pixels_damaged', `PixelData: expected RLE data of ${expected}, got ${came}`);
}

function cutShort(needed: number, given: number): Error {
  return breaks('file_cut_short', `PixelData: expected ${needed} bytes of RLE data, got ${given}`);
}
