/** Transfer syntaxes (PS3.5, 10 and PS3.6, A) that are read. */
import type { Encoding } from './elements.ts';

/** How frames are compressed. */
export type CodecName = 'rle' | 'jpeg' | 'jpegLs' | 'jpeg2000' | 'htj2k';

/** How a file's data set and its pixels are encoded. */
export interface TransferSyntax extends Encoding {
  readonly isDeflated: boolean;
  /** Null where pixels are not compressed. */
  readonly codec: CodecName | null;
  /** Whether what was compressed may differ from what was scanned. */
  readonly isLossy: boolean;
}

const plain = {
  isExplicit: true,
  isLittleEndian: true,
  isDeflated: false,
  isLossy: false,
} as const;
const lossless = (codec: CodecName): TransferSyntax => ({ ...plain, codec });
const lossy = (codec: CodecName): TransferSyntax => ({ ...plain, codec, isLossy: true });

/** By TransferSyntaxUID. */
export const transferSyntaxes: ReadonlyMap<string, TransferSyntax> = new Map([
  ['1.2.840.10008.1.2', { ...plain, codec: null, isExplicit: false }],
  ['1.2.840.10008.1.2.1', { ...plain, codec: null }],
  ['1.2.840.10008.1.2.1.99', { ...plain, codec: null, isDeflated: true }],
  ['1.2.840.10008.1.2.2', { ...plain, codec: null, isLittleEndian: false }],
  ['1.2.840.10008.1.2.5', lossless('rle')],
  ['1.2.840.10008.1.2.4.50', lossy('jpeg')],
  ['1.2.840.10008.1.2.4.51', lossy('jpeg')],
  ['1.2.840.10008.1.2.4.57', lossless('jpeg')],
  ['1.2.840.10008.1.2.4.70', lossless('jpeg')],
  ['1.2.840.10008.1.2.4.80', lossless('jpegLs')],
  ['1.2.840.10008.1.2.4.81', lossy('jpegLs')],
  ['1.2.840.10008.1.2.4.90', lossless('jpeg2000')],
  ['1.2.840.10008.1.2.4.91', lossy('jpeg2000')],
  ['1.2.840.10008.1.2.4.201', lossless('htj2k')],
  ['1.2.840.10008.1.2.4.202', lossless('htj2k')],
  ['1.2.840.10008.1.2.4.203', lossy('htj2k')],
]);
