/** A PNG of gray values or colours: the smallest writer of the format (W3C PNG, 8 bits, no filter). */
import { crc32, deflateSync } from 'node:zlib';
import { concatBytes, invariant, utf8 } from '../base/index.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** @param gray rows from the top, one byte a pixel, `width * height` of them. */
export function encodeGrayPng(gray: Uint8Array, width: number, height: number): Uint8Array {
  return encode(gray, width, height, 1);
}

/** @param rgb rows from the top, three bytes a pixel. */
export function encodeRgbPng(rgb: Uint8Array, width: number, height: number): Uint8Array {
  return encode(rgb, width, height, 3);
}

function encode(samples: Uint8Array, width: number, height: number, channels: 1 | 3): Uint8Array {
  const rowBytes = width * channels;
  invariant(samples.length === rowBytes * height, 'a picture has so many bytes for each pixel');
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits a sample; compression, filter, interlace 0
  header[9] = channels === 1 ? 0 : 2; // colour type: gray, or red, green and blue
  const rows = new Uint8Array((rowBytes + 1) * height);
  for (let y = 0; y < height; y++) {
    rows.set(samples.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
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
