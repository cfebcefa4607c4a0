/**
 * A list of CTs to predict, as a CSV file (RFC 4180) with a line of headings:
 *
 *     id,input,heart,series
 *     0001,/data/tavi/0001.nii.gz,,
 *     0002,/data/tavi/0002,,ct-1a2b3c4d
 *
 * Only `input` is required. `id` names the folder of the results; without one it is `case-` and the number in the list.
 */
import { foreignText } from '../base/index.ts';
import { PredictionError } from './errors.ts';

/** One CT of a list. */
export interface WorklistEntry {
  /** Name of the folder of its results. */
  readonly id: string;
  /** Paths as in the list. */
  readonly input: string;
  readonly heart: string | null;
  /** Key of the series to take where a folder holds several; null where there is one. */
  readonly series: string | null;
}

const columns = ['id', 'input', 'heart', 'series'] as const;
const bytesMax = 4 * 1024 * 1024;
const entriesMax = 10_000;
/** A folder's name on every system: no path, no hidden file. */
const idForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Files of the list itself that lie beside the folders of results. */
const reserved = ['summary.csv', 'summary.json', 'worklist.json'];

/** @throws {PredictionError} 'bad_worklist' naming the line */
export function parseWorklist(bytes: Uint8Array): WorklistEntry[] {
  if (bytes.byteLength > bytesMax) {
    throw bad(null, `expected at most ${bytesMax} bytes, got ${bytes.byteLength}; split the list`);
  }
  const rows = csvRows(textOf(bytes));
  const [head, ...rest] = rows;
  const names = head?.cells.map((cell) => cell.trim().toLowerCase()) ?? [];
  const unknown = names.find((name) => !columns.some((known) => known === name));
  if (!names.includes('input') || unknown !== undefined || new Set(names).size < names.length) {
    throw bad(1, `expected the headings ${columns.join(', ')}, input at least and each once, got others; put them into the first line`); // prettier-ignore
  }
  const filled = rest.filter(({ cells }) => cells.some((cell) => cell.trim() !== ''));
  return checkEntries(
    filled.map(({ line, cells }, index) => {
      if (cells.length !== names.length) {
        throw bad(line, `expected ${names.length} cells as in the headings, got ${cells.length}; put a path with a comma into quotes`); // prettier-ignore
      }
      const cell = (name: string): string | null => {
        const text = cells[names.indexOf(name)]?.trim() ?? '';
        return text === '' ? null : text;
      };
      const input = cell('input');
      if (input === null) throw bad(line, 'expected a path as input, got none');
      const entry = { input, heart: cell('heart'), series: cell('series') };
      return { line, entry: { id: cell('id') ?? numbered(index), ...entry } };
    }),
  );
}

/** A list of inputs without a file: ids are numbers in its order. */
export function worklistOf(inputs: readonly string[]): WorklistEntry[] {
  const listed = inputs.map((input, index) => ({
    line: null,
    entry: { id: numbered(index), input, heart: null, series: null },
  }));
  return checkEntries(listed);
}

function numbered(index: number): string {
  return `case-${String(index + 1).padStart(4, '0')}`;
}

function checkEntries(
  listed: readonly { readonly line: number | null; readonly entry: WorklistEntry }[],
): WorklistEntry[] {
  if (listed.length === 0) throw bad(null, 'expected a CT at least, got an empty list');
  if (listed.length > entriesMax) {
    throw bad(null, `expected at most ${entriesMax} CTs, got ${listed.length}; split the list`);
  }
  const seen = new Set<string>();
  for (const { line, entry } of listed) {
    // Some systems do not tell capital letters from small ones.
    const key = entry.id.toLowerCase();
    if (!idForm.test(entry.id) || reserved.includes(key)) {
      throw bad(line, 'expected an id of letters, digits, dots, dashes and underscores, at most 64, got another; the folder of the results is called so'); // prettier-ignore
    }
    if (seen.has(key)) throw bad(line, 'expected every id once, got one twice; rename one of them');
    seen.add(key);
  }
  return listed.map(({ entry }) => entry);
}

function textOf(bytes: Uint8Array): string {
  try {
    return foreignText(bytes);
  } catch (cause) {
    throw new PredictionError(
      { code: 'bad_worklist', line: null },
      'worklist: expected a CSV file in UTF-8, got something else; save it as CSV UTF-8',
      { cause },
    );
  }
}

interface CsvRow {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Rows of a CSV text: cells in quotes may hold commas, line ends, and quotes written twice. */
function csvRows(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let [line, begin] = [1, 1];
  const cell = /("[^"]*(?:""[^"]*)*"|[^",\r\n]*)(,|\r\n|\n|\r|$)/y;
  while (cell.lastIndex < text.length || cells.length > 0) {
    const found = cell.exec(text);
    if (found === null)
      throw bad(line, 'expected a quote at the end of a cell in quotes, got none');
    const [, raw = '', end = ''] = found;
    cells.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    line += raw.split('\n').length - 1;
    if (end === ',') continue;
    rows.push({ line: begin, cells });
    cells = [];
    begin = line += 1;
    if (end === '') break;
  }
  return rows;
}

function bad(line: number | null, reason: string): PredictionError {
  const where = line === null ? 'worklist' : `worklist, line ${line}`;
  return new PredictionError({ code: 'bad_worklist', line }, `${where}: ${reason}`);
}
