/** A picture in memory, written as PNG: for benches that draw what they made. */
import { crc32, deflateSync } from 'node:zlib';

/** 8-bit RGB, black at first. */
export class Picture {
  readonly width: number;
  readonly height: number;
  readonly #pixels: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#pixels = new Uint8Array(width * height * 3);
  }

  /** Sets a pixel; nothing outside of the picture. */
  put(x: number, y: number, colour: readonly number[]): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    colour.forEach((value, c) => {
      this.#pixels[(y * this.width + x) * 3 + c] = Math.max(0, Math.min(255, value));
    });
  }

  /** The picture as PNG: no filter. */
  png(): Uint8Array {
    const { width, height } = this;
    const rows = Buffer.alloc((width * 3 + 1) * height);
    for (let y = 0; y < height; y++) {
      rows.set(this.#pixels.subarray(y * width * 3, (y + 1) * width * 3), y * (width * 3 + 1) + 1);
    }
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([8, 2, 0, 0, 0], 8);
    const chunk = (type: string, data: Uint8Array): Buffer => {
      const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
      const ends = Buffer.alloc(8);
      ends.writeUInt32BE(data.length, 0);
      ends.writeUInt32BE(crc32(body), 4);
      return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
    };
    return Buffer.concat([
      Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
      chunk('IHDR', header),
      chunk('IDAT', deflateSync(rows)),
      chunk('IEND', Buffer.alloc(0)),
    ]);
  }
}
