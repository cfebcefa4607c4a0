/**
 * The elements of a DICOM data set (PS3.5, 7): where each value lies, found out by lengths that are held against the bytes there
 * are. Only values of known tags are kept; private elements, names and texts are stepped over unread.
 */
import { breaks, tagText } from './refusal.ts';
import { readTags, tags } from './tags.ts';

/** How elements are written: PS3.5, annex A. */
export interface Encoding {
  readonly isExplicit: boolean;
  readonly isLittleEndian: boolean;
}

/** An element that is read. */
export interface Element {
  /** Value representation as the file says; empty in implicit encoding. */
  readonly vr: string;
  readonly value: Uint8Array;
  readonly isLittleEndian: boolean;
  /** Of a sequence, else empty. */
  readonly items: readonly DataSet[];
}

/** By tag. */
export type DataSet = Map<number, Element>;

/** Where the pixels of a file are. */
export interface PixelElement {
  readonly vr: string;
  /** Bytes as they stand, or the fragments of compressed frames, the first of which is the table of offsets. */
  readonly kind: 'native' | 'encapsulated';
  readonly parts: readonly Uint8Array[];
}

const undefinedLength = 0xffff_ffff;
const [item, itemEnd, sequenceEnd] = [0xfffe_e000, 0xfffe_e00d, 0xfffe_e0dd];
/** Sequences within sequences; what scanners write has six at most. */
const depthMax = 32;
/** 300 frames of 100 fragments. More are made to fill memory. */
const fragmentsMax = 65_536;
/** Of all sequences that are read: a dozen for each frame of a file. */
const itemsMax = 200_000;
/** Their length has 2 bytes; every other one's has 4 behind 2 that are empty (PS3.5, 7.1.2). */
const shortLength: ReadonlySet<string> = new Set(
  'AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '),
);

interface Header {
  readonly tag: number;
  readonly vr: string;
  readonly length: number;
}

/** Steps through bytes, and never over their end. */
export class ElementReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  #itemCount = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  /** Where the next element begins. */
  get at(): number {
    return this.#at;
  }

  /** Whether all has been read. */
  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  /** Group of the next element, without a step. */
  nextGroup(isLittleEndian: boolean): number {
    return this.#at + 2 > this.#bytes.byteLength
      ? 0
      : this.#view.getUint16(this.#at, isLittleEndian);
  }

  /**
   * Reads into `dataSet` up to the pixels, and gives them; null where there are none. What stands behind pixels is not looked at.
   *
   * @throws {DataError} 'dicom': file_cut_short, file_damaged. `dataSet` then has what came before.
   */
  readToPixels(dataSet: DataSet, encoding: Encoding): PixelElement | null {
    while (!this.isAtEnd) {
      const header = this.#header(encoding, this.#bytes.byteLength);
      if (header.tag === tags.PixelData) return this.#pixels(header, encoding);
      this.#value(header, dataSet, encoding, this.#bytes.byteLength, 0);
    }
    return null;
  }

  /** Reads the elements of group 0002 into `dataSet`. @throws {DataError} as `readToPixels` */
  readMeta(dataSet: DataSet): void {
    const encoding = { isExplicit: true, isLittleEndian: true };
    while (this.nextGroup(true) === 2) {
      const header = this.#header(encoding, this.#bytes.byteLength);
      this.#value(header, dataSet, encoding, this.#bytes.byteLength, 0);
    }
  }

  #header({ isExplicit, isLittleEndian: le }: Encoding, end: number): Header {
    this.#need(8, end);
    const view = this.#view;
    const at = this.#at;
    const tag = view.getUint16(at, le) * 65536 + view.getUint16(at + 2, le);
    if (tag >>> 16 === 0xfffe || !isExplicit) {
      this.#at += 8;
      return { tag, vr: '', length: view.getUint32(at + 4, le) };
    }
    const vr = String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5));
    if (!/^[A-Z]{2}$/.test(vr)) {
      throw damaged(`element ${tagText(tag)}: expected a value representation of two letters`);
    }
    if (shortLength.has(vr)) {
      this.#at += 8;
      return { tag, vr, length: view.getUint16(at + 6, le) };
    }
    this.#need(12, end);
    this.#at += 12;
    return { tag, vr, length: view.getUint32(at + 8, le) };
  }

  /** Steps over a value, and keeps it where it is wanted. */
  #value(
    header: Header,
    into: DataSet | null,
    encoding: Encoding,
    end: number,
    depth: number,
  ): void {
    const { tag, vr, length } = header;
    if (tag >>> 16 === 0xfffe) throw damaged(`expected an element, got ${tagText(tag)}`);
    const isKept = into !== null && readTags.has(tag);
    if (isKept && into.has(tag))
      throw damaged(`element ${tagText(tag)}: expected once, came twice`);
    // A sequence of unknown kind is in implicit encoding: PS3.5, 6.2.2, note 2.
    const within = vr === 'UN' ? { isExplicit: false, isLittleEndian: true } : encoding;
    const isSequence = vr === 'SQ' || length === undefinedLength || isSequenceTag(tag);
    const { isLittleEndian } = within;
    if (length === undefinedLength || (isKept && isSequence)) {
      const valueEnd = length === undefinedLength ? null : this.#at + length;
      if (valueEnd !== null) this.#need(length, end, tag);
      const items = this.#items(valueEnd, isKept, within, end, depth + 1);
      if (isKept) into.set(tag, { vr, value: new Uint8Array(0), isLittleEndian, items });
      return;
    }
    this.#need(length, end, tag);
    if (isKept) {
      const value = this.#bytes.subarray(this.#at, this.#at + length);
      into.set(tag, { vr, value, isLittleEndian, items: [] });
    }
    this.#at += length;
  }

  /** Items up to `end`, or up to their delimiter where `end` is null. */
  #items(
    end: number | null,
    isKept: boolean,
    encoding: Encoding,
    outerEnd: number,
    depth: number,
  ): DataSet[] {
    if (depth > depthMax) throw damaged(`expected sequences at most ${depthMax} deep`);
    const items: DataSet[] = [];
    const limit = end ?? outerEnd;
    while (end === null || this.#at < end) {
      const { tag, length } = this.#header(encoding, limit);
      if (tag === sequenceEnd && end === null) return items;
      if (tag !== item) throw damaged(`expected an item of a sequence, got ${tagText(tag)}`);
      if (isKept && ++this.#itemCount > itemsMax)
        throw damaged(`expected at most ${itemsMax} items`);
      const isOpen = length === undefinedLength;
      if (!isOpen) this.#need(length, limit);
      if (isOpen || isKept) {
        const into: DataSet | null = isKept ? new Map<number, Element>() : null;
        this.#item(isOpen ? null : this.#at + length, into, encoding, limit, depth);
        if (into !== null) items.push(into);
      } else this.#at += length;
    }
    return items;
  }

  /** Elements up to `end`, or up to the item's delimiter where `end` is null. */
  #item(
    end: number | null,
    into: DataSet | null,
    encoding: Encoding,
    outerEnd: number,
    depth: number,
  ): void {
    const limit = end ?? outerEnd;
    while (end === null || this.#at < end) {
      const header = this.#header(encoding, limit);
      if (header.tag === itemEnd && end === null) return;
      this.#value(header, into, encoding, limit, depth);
    }
  }

  #pixels({ vr, length, tag }: Header, encoding: Encoding): PixelElement {
    const end = this.#bytes.byteLength;
    if (length !== undefinedLength) {
      this.#need(length, end, tag);
      const part = this.#bytes.subarray(this.#at, this.#at + length);
      return { vr, kind: 'native', parts: [part] };
    }
    const parts: Uint8Array[] = [];
    for (;;) {
      const fragment = this.#header(encoding, end);
      if (fragment.tag === sequenceEnd) return { vr, kind: 'encapsulated', parts };
      if (fragment.tag !== item) {
        throw damaged(`PixelData: expected a fragment, got ${tagText(fragment.tag)}`);
      }
      if (parts.length > fragmentsMax) {
        throw damaged(`PixelData: expected at most ${fragmentsMax} fragments`);
      }
      this.#need(fragment.length, end, tag);
      parts.push(this.#bytes.subarray(this.#at, this.#at + fragment.length));
      this.#at += fragment.length;
    }
  }

  /** @throws {DataError} 'dicom' unless `count` bytes follow before `end` */
  #need(count: number, end: number, tag?: number): void {
    if (this.#at + count <= end) return;
    const what = tag === undefined ? 'the next element' : `element ${tagText(tag)}`;
    const left = Math.max(0, end - this.#at);
    if (end < this.#bytes.byteLength) {
      throw damaged(`${what}: expected ${count} bytes within its item, there are ${left}`);
    }
    throw breaks('file_cut_short', `${what}: expected ${count} more bytes, the file has ${left}`);
  }
}

/** In implicit encoding nothing but the tag says that a value is a sequence. */
function isSequenceTag(tag: number): boolean {
  return sequenceTags.has(tag);
}

const sequenceTags: ReadonlySet<number> = new Set([
  tags.CTImageFrameTypeSequence,
  tags.PlanePositionSequence,
  tags.PlaneOrientationSequence,
  tags.ModalityLUTSequence,
  tags.PixelMeasuresSequence,
  tags.PixelValueTransformationSequence,
  tags.ReferencedSeriesSequence,
  tags.SegmentIdentificationSequence,
  tags.SegmentSequence,
  tags.SharedFunctionalGroupsSequence,
  tags.PerFrameFunctionalGroupsSequence,
]);

function damaged(detail: string): Error {
  return breaks('file_damaged', detail);
}
