/** Files of other programs: what kind they are, told by their first bytes, and text as Windows and others write it. */
import { fromUtf8 } from './bytes.ts';

/** Kinds of files that people take for another: how they begin, in Latin-1, and what they are, with what to do about it. */
const kinds: readonly (readonly [begins: string | RegExp, kind: string])[] = [
  [
    'version https://git-lfs',
    'a Git LFS pointer, which stands for a file that was not fetched; run git lfs pull',
  ],
  [/^\s*(<!doctype html|<html|<\?xml|<head|<body)/i, 'a web page or XML; download the file again'],
  ['PK\u0003\u0004', 'a zip archive; unpack it first'],
  ['\u001f\u008b', 'gzip; unpack it first'],
  ['BZh', 'bzip2; unpack it first'],
  ['\u00fd7zXZ', 'xz; unpack it first'],
  ['(\u00b5/\u00fd', 'zstandard; unpack it first'],
  ['7z\u00bc\u00af', 'a 7-Zip archive; unpack it first'],
  [/^[^]{128}DICM/, 'a DICOM file; convert its series with dcm2niix'],
  ['NRRD000', 'an NRRD file; save it as NIfTI'],
  [/^(ObjectType|NDims) *=/, 'a MetaImage file; save it as NIfTI'],
  ['\u0089HDF', 'an HDF5 file; save it as NIfTI'],
  ['\u0093NUMPY', 'a NumPy array; save it as NIfTI'],
  ['\u0089PNG', 'a PNG picture; give the volume'],
  ['\u00ff\u00d8\u00ff', 'a JPEG picture; give the volume'],
  ['%PDF', 'a PDF document; give the volume'],
  ['\u0000\u0005\u0016\u0007', 'what macOS keeps beside a file (._); give the file itself'],
];

/**
 * What the bytes are when they are of a kind that people take for another, with what to do about it; `null` for anything else.
 */
export function foreignKind(bytes: Uint8Array): string | null {
  const start = Buffer.from(bytes.subarray(0, 512)).toString('latin1');
  const found = kinds.find(([begins]) =>
    typeof begins === 'string' ? start.startsWith(begins) : begins.test(start),
  );
  if (found !== undefined) return found[1];
  const isEmpty = bytes.byteLength > 0 && bytes.subarray(0, 512).every((byte) => byte === 0);
  return isEmpty ? 'zeros; copy it again' : null;
}

/**
 * Text as other programs write it: UTF-8 or UTF-16 with a byte order mark, or UTF-8 without.
 * @throws {TypeError} on bytes that are neither
 */
export function foreignText(bytes: Uint8Array): string {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return fromUtf8(bytes.subarray(3));
  const utf16 = a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : '';
  return utf16 === ''
    ? fromUtf8(bytes)
    : new TextDecoder(utf16, { fatal: true }).decode(bytes.subarray(2));
}
