/** Names and other texts in the character set that a file names (PS3.3, C.12.1.1.2). */
import type { DataSet } from './elements.ts';
import type { Keyword } from './tags.ts';
import { codesOf, elementOf } from './values.ts';

/** Character sets by their defined terms, and what Node calls them. */
const decoders: Readonly<Record<string, string>> = {
  'ISO_IR 100': 'latin1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'windows-1254',
  'ISO_IR 203': 'iso-8859-15',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 192': 'utf-8',
  'ISO 2022 IR 13': 'shift_jis',
  'ISO 2022 IR 87': 'iso-2022-jp',
  'ISO 2022 IR 149': 'euc-kr',
  'ISO 2022 IR 58': 'gb2312',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** Longer ones are cut: no name has as many. */
const bytesMax = 1024;
/** What switches to the Korean and Chinese sets, whose decoders do not know it. */
// eslint-disable-next-line no-control-regex -- an escape is what is looked for
const switches = /\u001b\$?[()][AC]/g;

/**
 * A text for people, empty where it is missing. What the character set does not have comes out as U+FFFD.
 *
 * @param file whose character set counts: of an item of a sequence, the data set that it is in
 */
export function textOf(dataSet: DataSet, keyword: Keyword, file: DataSet = dataSet): string {
  const value = elementOf(dataSet, keyword)?.value.subarray(0, bytesMax);
  if (value === undefined) return '';
  const sets = codesOf(file, 'SpecificCharacterSet').map((set) =>
    set.replace(/^ISO 2022 IR (?!13$|58$|87$|149$)/, 'ISO_IR '),
  );
  // The first set is what a text begins with, the others are switched to: the last one known decodes both.
  const label = sets.map((set) => decoders[set]).findLast((one) => one !== undefined) ?? 'latin1';
  const text = new TextDecoder(label).decode(value);
  // eslint-disable-next-line no-control-regex -- zeros pad what others pad with spaces
  return text.replace(switches, '').replace(/[\s\u0000]+$/, '');
}
