/**
 * A CT as DICOM files, one for each slice: explicit VR, little endian, 16 bits, as DICOM PS3.5 and PS3.3 (CT Image) lay them out.
 * As little as a reader needs, with a patient's name, so that a test can look for it.
 */
import { Buffer } from 'node:buffer';
import { spacingOf, type Volume } from '../../src/data/index.ts';

/** Whose it is. */
export interface DicomCtFacts {
  /** Root of the series' UIDs: digits and dots. */
  readonly uid: string;
  readonly patient: string;
  /** Of several in the study: which one; 2 where absent. */
  readonly series?: number;
  /** ImageType; that of a CT's slices where absent. */
  readonly imageType?: string;
}

const longForms = new Set(['OB', 'OW', 'SQ', 'UN', 'UT']);

function element(group: number, number: number, vr: string, value: Buffer | string): Buffer {
  const pad = vr === 'UI' ? '\0' : ' ';
  const text = typeof value === 'string' && value.length % 2 === 1 ? `${value}${pad}` : value;
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const head = Buffer.alloc(longForms.has(vr) ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (longForms.has(vr)) head.writeUInt32LE(bytes.length, 8);
  else head.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([head, bytes]);
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value & 0xffff);
  return bytes;
}

/** Decimal strings have 16 characters at most. */
const decimal = (value: number): string => String(Number(value.toPrecision(9)));

/** The slices of an axis-aligned RAS volume of whole HU, rows from front to back as scanners write them; in any order. */
export function dicomCt(
  volume: Volume,
  { uid, patient, series = 2, imageType = 'ORIGINAL\\PRIMARY\\AXIAL' }: DicomCtFacts,
): Uint8Array[] {
  const [depth, height, width] = volume.shape;
  const [mmK, mmJ, mmI] = spacingOf(volume.affine);
  const [x = 0, y = 0, z = 0] = [3, 7, 11].map((cell) => volume.affine[cell]);
  const sopClass = '1.2.840.10008.5.1.4.1.1.2';
  return Array.from({ length: depth }, (_, k) => {
    const pixels = Buffer.alloc(width * height * 2);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        // LPS: the first column is the patient's right, as i runs; the first row is the front, where j ends.
        const at = (k * height + (height - 1 - row)) * width + column;
        pixels.writeInt16LE(volume.data[at] ?? 0, (row * width + column) * 2);
      }
    }
    const front = y + (height - 1) * mmJ;
    const sop = series === 2 ? `${uid}.${k + 1}` : `${uid}.1.${series}.${k + 1}`;
    const meta = Buffer.concat([
      element(2, 1, 'OB', Buffer.from([0, 1])),
      element(2, 2, 'UI', sopClass),
      element(2, 3, 'UI', sop),
      element(2, 0x10, 'UI', '1.2.840.10008.1.2.1'),
    ]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(meta.length);
    return new Uint8Array(
      Buffer.concat([
        Buffer.alloc(128),
        Buffer.from('DICM'),
        ...[element(2, 0, 'UL', length), meta],
        ...[element(8, 8, 'CS', imageType), element(8, 0x16, 'UI', sopClass)],
        ...[element(8, 0x18, 'UI', sop), element(8, 0x60, 'CS', 'CT')],
        ...[element(0x10, 0x10, 'PN', patient), element(0x10, 0x20, 'LO', patient)],
        ...[element(0x20, 0xd, 'UI', `${uid}.0.1`), element(0x20, 0xe, 'UI', `${uid}.0.${series}`)],
        ...[element(0x20, 0x13, 'IS', String(depth - k))],
        element(0x20, 0x32, 'DS', [-x, -front, z + k * mmK].map(decimal).join('\\')),
        element(0x20, 0x37, 'DS', '-1\\0\\0\\0\\1\\0'),
        ...[element(0x20, 0x52, 'UI', `${uid}.0.3`)],
        ...[element(0x28, 2, 'US', short(1)), element(0x28, 4, 'CS', 'MONOCHROME2')],
        ...[element(0x28, 0x10, 'US', short(height)), element(0x28, 0x11, 'US', short(width))],
        element(0x28, 0x30, 'DS', [mmJ, mmI].map(decimal).join('\\')),
        ...[element(0x28, 0x100, 'US', short(16)), element(0x28, 0x101, 'US', short(16))],
        ...[element(0x28, 0x102, 'US', short(15)), element(0x28, 0x103, 'US', short(1))],
        ...[element(0x28, 0x1052, 'DS', '0'), element(0x28, 0x1053, 'DS', '1')],
        element(0x7fe0, 0x10, 'OW', pixels),
      ]),
    );
  });
}
