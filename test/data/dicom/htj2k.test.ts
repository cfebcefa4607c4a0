/** HTJ2K frames, as OpenJPH writes them: read without loss, or refused where they are damaged. */
import { expect } from 'chai';
import * as dcmjsCodecs from 'dcmjs-codecs';
import { readDicomSeries, type DicomReading } from '../../../src/data/index.ts';
import { dicomCt } from '../dicom-ct.ts';
import { filesWith, onlyVolume } from './folders.ts';

// Its types are those of an ES module, its code is CommonJS.
const { Context, NativeCodecs } = (dcmjsCodecs as unknown as { default: typeof dcmjsCodecs }).default; // prettier-ignore
const [depth, size] = [10, 24];
const [plainSyntax, htSyntax] = ['1.2.840.10008.1.2.1\0', '1.2.840.10008.1.2.4.201\0'];
/** PixelData, OW, and the length that follows in a file of `dicomCt`. */
const pixelHead = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x57, 0, 0]);

const volume = {
  shape: [depth, size, size] as const,
  affine: Float64Array.of(...[1, 0, 0, 0], ...[0, 1, 0, 0], ...[0, 0, 3, 0], ...[0, 0, 0, 1]),
  data: Float32Array.from({ length: depth * size * size }, (_, n) => ((n * 37) % 3000) - 1000),
};

function element(group: number, number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

/** The file with its pixels packed: a table without offsets, one fragment, an end (PS3.5, A.4). */
function packed(plain: Uint8Array, change: (frame: Buffer) => Buffer): Uint8Array {
  const file = Buffer.from(plain);
  const at = file.lastIndexOf(pixelHead);
  const pixels = file.subarray(at + 12);
  const context = new Context({
    ...{ width: size, height: size, bitsAllocated: 16, bitsStored: 16, samplesPerPixel: 1 },
    ...{ pixelRepresentation: 1, planarConfiguration: 0, photometricInterpretation: 'MONOCHROME2' },
    decodedBuffer: new Uint8Array(pixels),
  });
  const made = NativeCodecs.encodeHtJpeg2000(context, { lossy: false }).getEncodedBuffer();
  const frame = change(Buffer.from(made ?? []));
  const even = frame.length % 2 === 0 ? frame : Buffer.concat([frame, Buffer.alloc(1)]);
  const open = Buffer.from([0xe0, 0x7f, 0x10, 0x00, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  const parts = [element(0xfffe, 0xe000, Buffer.alloc(0)), element(0xfffe, 0xe000, even)];
  // The syntax is 4 bytes longer, and so is the group that it stands in.
  const meta = file.indexOf(plainSyntax);
  const head = Buffer.concat([file.subarray(0, meta), Buffer.from(htSyntax), file.subarray(meta + plainSyntax.length, at)]); // prettier-ignore
  head.writeUInt16LE(htSyntax.length, meta - 2);
  head.writeUInt32LE(head.readUInt32LE(140) + 4, 140);
  return new Uint8Array(Buffer.concat([head, open, ...parts, element(0xfffe, 0xe0dd, Buffer.alloc(0))])); // prettier-ignore
}

function reading(change: (frame: Buffer) => Buffer): Promise<DicomReading> {
  const slices = dicomCt(volume, { uid: '1.2.3', patient: 'Ada' });
  return readDicomSeries(filesWith(new Map(slices.map((one, n) => [`${n}.dcm`, packed(one, change)])))); // prettier-ignore
}

describe('HTJ2K', () => {
  before(async () => {
    await NativeCodecs.initializeAsync();
  });

  it('is read without loss', async () => {
    const read = await onlyVolume(await reading((frame) => frame), 'htj2k');
    const sorted = (values: Float32Array): number[] => [...values].sort((a, b) => a - b);
    expect(sorted(read.data)).deep.equal(sorted(volume.data));
    // Rows from front to back, slices from above: the last row of the last slice of the phantom comes first.
    const first = volume.data.subarray((depth * size - 1) * size, depth * size * size);
    expect([...read.data.subarray(0, size)]).deep.equal([...first]);
  });

  it('is refused where a frame is cut short, or of another size', async () => {
    const cut = await reading((frame) => frame.subarray(0, Math.floor(frame.length / 2)));
    expect(cut.series).deep.equal([]);
    expect(cut.refused[0]?.rule).oneOf(['file_cut_short', 'pixels_damaged']);
    const wide = await reading((frame) => {
      // SIZ: marker, length, capabilities, then the width (T.800, A.5.1).
      const siz = frame.indexOf(Buffer.from([0xff, 0x51]));
      frame.writeUInt32BE(size * 2, siz + 6);
      return frame;
    });
    expect(wide.series).deep.equal([]);
    expect(wide.refused[0]).include({ rule: 'pixels_damaged' });
  });

  it('is refused where its data are others, or read and never crashes', async () => {
    const noise = await reading((frame) => {
      const data = frame.indexOf(Buffer.from([0xff, 0x93])) + 2;
      for (let n = data; n < frame.length - 2; n++) frame[n] = (n * 89) & 0x7f;
      return frame;
    });
    for (const { rule } of noise.refused) expect(rule).equal('pixels_damaged');
    for (const series of noise.series) {
      const outcome = await series.readCt().then(
        ({ volume: { data } }) => data.length,
        (error: unknown) => String(error).includes('pixels_damaged'),
      );
      expect(outcome).oneOf([true, depth * size * size]);
    }
  });
});
