/** A PNG of gray values: the smallest writer of the format (W3C PNG, 8-bit grayscale, no filter). */
import { crc32, deflateSync } from 'node:zlib';
import { concatBytes, invariant, utf8 } from '../base/index.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** @param gray rows from the top, one byte a pixel, `width * height` of them. */
export function encodeGrayPng(gray: Uint8Array, width: number, height: number): Uint8Array {
  invariant(gray.length === width * height, 'a picture has one byte for each pixel');
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits a sample; colour type 0 is gray; compression, filter, interlace 0
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) {
    rows.set(gray.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const pixels = new Uint8Array(deflateSync(rows, { level: 9 }));
  return concatBytes(
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', new Uint8Array(0)),
  );
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const typed = concatBytes(utf8(type), data);
  const frame = new Uint8Array(typed.length + 8);
  const view = new DataView(frame.buffer);
  view.setUint32(0, data.length);
  frame.set(typed, 4);
  view.setUint32(typed.length + 4, crc32(typed));
  return frame;
}
