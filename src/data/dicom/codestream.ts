/**
 * What compressed frames say of themselves, held against the file's header before a decoder sees them: their size, their bits, and
 * that they are whole. The decoders take memory for whatever a frame says, and fill up what is missing without a word.
 */
import type { PixelFormat } from './pixel-format.ts';
import { breaks } from './refusal.ts';
import { rleSegments } from './rle.ts';
import type { CodecName } from './transfer-syntax.ts';

/** What a compressed frame's own header says. */
interface Told {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  readonly bits: number;
}

const [startOfImage, endOfImage] = [0xffd8, 0xffd9];
const [startOfCodestream, sizeMarker, codingMarker, tilePart, startOfData] = [0xff4f, 0xff51, 0xff52, 0xff90, 0xff93]; // prettier-ignore
/** Start of frame: baseline, extended, lossless (T.81), and JPEG-LS (T.87). */
const frameMarkers = { jpeg: [0xffc0, 0xffc1, 0xffc3], jpegLs: [0xfff7] } as const;
const startOfScan = 0xffda;
/** Tiles and precincts cost memory each; CTs have one tile with one precinct. */
const tilesMax = 1024;
const precinctPowerMin = 5;
const tilePartsMax = 65_536;

/** @throws {DataError} 'dicom' pixels_damaged, file_cut_short */
export function checkCodestream(frame: Uint8Array, codec: CodecName, format: PixelFormat): void {
  if (codec === 'rle') {
    rleSegments(frame, format);
    return;
  }
  const bytes = withoutPadding(frame);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const told =
    codec === 'jpeg' || codec === 'jpegLs' ? jpegFacts(view, codec) : wholeJpeg2000(view);
  const { rows, columns, bitsAllocated } = format;
  if (told.rows !== rows || told.columns !== columns || told.components !== 1) {
    const came = `${told.rows} x ${told.columns} of ${told.components}`;
    throw damaged(`a frame of ${rows} x ${columns} pixels of 1 number`, came);
  }
  if (told.bits < 2 || told.bits > bitsAllocated) {
    throw damaged(`numbers of 2 to ${bitsAllocated} bits`, `${told.bits}`);
  }
}

/** Segments of markers up to the first scan; a whole frame ends with its own marker. */
function jpegFacts(view: DataView, codec: 'jpeg' | 'jpegLs'): Told {
  if (wordAt(view, 0) !== startOfImage) throw damaged('a JPEG frame', 'something else');
  if (wordAt(view, view.byteLength - 2) !== endOfImage) throw cutShort();
  let told: Told | null = null;
  for (let at = 2; ;) {
    const marker = wordAt(view, at);
    if (marker === 0xffff) {
      at += 1;
      continue;
    }
    if (marker === startOfScan && told !== null) return told;
    if (marker < 0xffc0 || marker === startOfScan)
      throw damaged('markers of a JPEG frame', 'others');
    if ((frameMarkers[codec] as readonly number[]).includes(marker)) {
      const [bits, rows] = [byteAt(view, at + 4), wordAt(view, at + 5)];
      told = { bits, rows, columns: wordAt(view, at + 7), components: byteAt(view, at + 9) };
    } else if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) {
      throw damaged('a frame of the kind that its transfer syntax names', 'another kind of JPEG');
    }
    at += 2 + wordAt(view, at + 2);
  }
}

/** Main header (T.800, A.5), then tile-parts by their lengths up to the end marker. */
function wholeJpeg2000(view: DataView): Told {
  if (wordAt(view, 0) !== startOfCodestream || wordAt(view, 2) !== sizeMarker) {
    throw damaged('a JPEG 2000 codestream', 'something else');
  }
  const long = (at: number): number => longAt(view, at);
  const [width, height, left, top] = [long(8) - long(16), long(12) - long(20), long(16), long(20)];
  const tile = { width: long(24), height: long(28) };
  const tiles = Math.ceil((width + left) / tile.width) * Math.ceil((height + top) / tile.height);
  if (!(tiles >= 1 && tiles <= tilesMax)) throw damaged(`1 to ${tilesMax} tiles`, `${tiles}`);
  const told = { components: wordAt(view, 40), bits: (byteAt(view, 42) & 0x7f) + 1 };
  if (byteAt(view, 43) !== 1 || byteAt(view, 44) !== 1)
    throw damaged('pixels at every place', 'fewer');
  let at = 4 + wordAt(view, 4);
  while (wordAt(view, at) !== tilePart) {
    const [marker, length] = [wordAt(view, at), wordAt(view, at + 2)];
    if (marker < 0xff50 || marker === startOfData || length < 2)
      throw damaged('a main header', 'none');
    if (marker === codingMarker) checkPrecincts(view, at);
    at += 2 + length;
  }
  for (let parts = 0; wordAt(view, at) !== endOfImage; parts++) {
    if (parts >= tilePartsMax) throw damaged(`at most ${tilePartsMax} tile-parts`, 'more');
    if (wordAt(view, at) !== tilePart) throw damaged('a tile-part', 'something else');
    const length = long(at + 6);
    // 0: the last one, up to the end.
    at = length === 0 ? view.byteLength - 2 : at + length;
    if (length !== 0 && length < 14) throw damaged('a tile-part of 14 bytes or more', `${length}`);
  }
  return { rows: height, columns: width, ...told };
}

function checkPrecincts(view: DataView, at: number): void {
  if ((byteAt(view, at + 4) & 1) === 0) return;
  const levels = byteAt(view, at + 9);
  for (let level = 0; level <= Math.min(levels, 32); level++) {
    const size = byteAt(view, at + 14 + level);
    if ((size & 15) >= precinctPowerMin && size >> 4 >= precinctPowerMin) continue;
    throw damaged(`precincts of ${2 ** precinctPowerMin} pixels or more`, 'smaller ones');
  }
}

/** Fragments have an even number of bytes; some programs fill them up with more. */
function withoutPadding(frame: Uint8Array): Uint8Array {
  let end = frame.byteLength;
  while (end > 0 && frame[end - 1] === 0) end -= 1;
  return frame.subarray(0, end);
}

function byteAt(view: DataView, at: number): number {
  if (at < 0 || at >= view.byteLength) throw cutShort();
  return view.getUint8(at);
}

function wordAt(view: DataView, at: number): number {
  if (at < 0 || at + 2 > view.byteLength) throw cutShort();
  return view.getUint16(at);
}

function longAt(view: DataView, at: number): number {
  if (at < 0 || at + 4 > view.byteLength) throw cutShort();
  return view.getUint32(at);
}

function damaged(expected: string, came: string): Error {
  return breaks('pixels_damaged', `PixelData: expected ${expected}, got ${came}`);
}

function cutShort(): Error {
  return breaks(
    'file_cut_short',
    'PixelData: expected a compressed frame up to its end, it breaks off',
  );
}
