/** Values of elements (PS3.5, 6.2), read strictly. Errors name the keyword, and what came only where it tells nobody's name. */
import type { DataSet, Element } from './elements.ts';
import { breaks } from './refusal.ts';
import { tags, type Keyword } from './tags.ts';

/** DS has 16 characters by the standard; programs write up to what a float64 takes. */
const numberLengthMax = 64;
/** The longest texts that are read, lists of words, have some hundred. */
const textBytesMax = 4096;
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/** The raw element; undefined where it is missing or empty. */
export function elementOf(dataSet: DataSet, keyword: Keyword): Element | undefined {
  const element = dataSet.get(tags[keyword]);
  if (element === undefined) return undefined;
  return element.value.byteLength === 0 && element.items.length === 0 ? undefined : element;
}

/** Text of one byte per character, without what pads it; empty where it is missing. @throws {DataError} 'dicom' value when it is long */
export function asciiOf(dataSet: DataSet, keyword: Keyword): string {
  const element = elementOf(dataSet, keyword);
  if (element === undefined) return '';
  const { value } = element;
  if (value.byteLength > textBytesMax) {
    throw breaks(
      'value',
      `${keyword}: expected at most ${textBytesMax} bytes, got ${value.byteLength}`,
    );
  }
  return trimmed(String.fromCharCode(...value));
}

/** Words in capitals, such as those of ImageType. */
export function codesOf(dataSet: DataSet, keyword: Keyword): string[] {
  return asciiOf(dataSet, keyword)
    .split('\\')
    .map((word) => trimmed(word).toUpperCase());
}

/** A UID, or null where there is none. @throws {DataError} 'dicom' value for one that is too long to be one */
export function uidOf(dataSet: DataSet, keyword: Keyword): string | null {
  const uid = asciiOf(dataSet, keyword);
  if (uid === '') return null;
  if (uid.length > 64 || !/^[\x21-\x7e]+$/.test(uid)) {
    throw breaks('value', `${keyword}: expected a UID of at most 64 characters`);
  }
  return uid;
}

/** Decimal numbers, `count` of them; null where the element is missing. @throws {DataError} 'dicom' value */
export function decimalsOf(dataSet: DataSet, keyword: Keyword, count: number): number[] | null {
  const element = elementOf(dataSet, keyword);
  if (element === undefined) return null;
  if (element.value.byteLength > count * (numberLengthMax + 1)) {
    throw breaks(
      'value',
      `${keyword}: expected ${numbers(count)}, got ${element.value.byteLength} bytes`,
    );
  }
  const text = asciiOf(dataSet, keyword);
  if (text === '') return null;
  const words = text.split('\\').map(trimmed);
  if (words.length !== count) {
    throw breaks('value', `${keyword}: expected ${numbers(count)}, got ${words.length}`);
  }
  return words.map((word) => {
    const value = decimal.test(word) ? Number(word) : NaN;
    if (Number.isFinite(value)) return value;
    throw breaks('value', `${keyword}: expected ${numbers(count)} with a decimal point`);
  });
}

/** One decimal number; null where it is missing. @throws {DataError} 'dicom' value */
export function decimalOf(dataSet: DataSet, keyword: Keyword): number | null {
  return decimalsOf(dataSet, keyword, 1)?.[0] ?? null;
}

/** A whole number in text; null where it is missing. @throws {DataError} 'dicom' value */
export function integerTextOf(dataSet: DataSet, keyword: Keyword): number | null {
  const text = asciiOf(dataSet, keyword);
  if (text === '') return null;
  if (!/^[+-]?\d{1,12}$/.test(text)) throw breaks('value', `${keyword}: expected a whole number`);
  return Number(text);
}

/** A whole number from 0 to 65535; null where it is missing. @throws {DataError} 'dicom' value */
export function shortOf(dataSet: DataSet, keyword: Keyword): number | null {
  const element = elementOf(dataSet, keyword);
  if (element === undefined) return null;
  const { value, isLittleEndian, vr } = element;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.byteLength === 2 && ['US', 'SS', 'UN', ''].includes(vr)) {
    return view.getUint16(0, isLittleEndian);
  }
  throw breaks(
    'value',
    `${keyword}: expected one whole number of 2 bytes, got ${value.byteLength}`,
  );
}

/** As `shortOf`, of an element that must be there. @throws {DataError} 'dicom' missing_value, value */
export function requiredShort(dataSet: DataSet, keyword: Keyword): number {
  return shortOf(dataSet, keyword) ?? missing(keyword);
}

/** @throws {DataError} 'dicom' missing_value always */
export function missing(keyword: Keyword): never {
  throw breaks('missing_value', `${keyword}: expected a value, there is none`);
}

/** The one item of a sequence; null where it is missing. @throws {DataError} 'dicom' value */
export function itemOf(dataSet: DataSet, keyword: Keyword): DataSet | null {
  const items = elementOf(dataSet, keyword)?.items ?? [];
  if (items.length > 1) throw breaks('value', `${keyword}: expected one item, got ${items.length}`);
  return items[0] ?? null;
}

function numbers(count: number): string {
  return count === 1 ? 'a number' : `${count} numbers`;
}

/** Text without the spaces and zeros around it. */
function trimmed(text: string): string {
  // eslint-disable-next-line no-control-regex -- zeros pad what others pad with spaces
  return text.replace(/^[\s\u0000]+|[\s\u0000]+$/g, '');
}
