/**
 * Links from a file: CSV with a line of names, or JSON with a list of objects, of the same fields. Read strictly: a file that
 * is not as docs/lab.md describes is refused with its line.
 */
import { LabError } from './errors.ts';

/** One direction between two nodes. */
export interface TracedLink {
  readonly from: number;
  readonly to: number;
  readonly delayMs: number;
  /** 0: at once. */
  readonly bytesPerSecond: number;
  readonly lossRate: number;
}

const fields = ['from', 'to', 'delayMs', 'bytesPerSecond', 'lossRate'] as const;
const bytesMax = 64 * 1024 * 1024;
const linksMax = 1024 * 1024;
const limits: Readonly<Record<(typeof fields)[number], number>> = {
  from: 1023,
  to: 1023,
  delayMs: 3_600_000,
  bytesPerSecond: 1e12,
  lossRate: 1,
};

/**
 * @param name of the file, for messages
 * @param nodes of the run: a link of another node is refused
 * @throws {LabError} 'bad_trace'
 */
export function readLinkTrace(text: string, name: string, nodes: number): TracedLink[] {
  if (text.length > bytesMax) refuse(name, 0, `at most ${bytesMax} characters`, text.length);
  const rows = /^\s*\[/.test(text) ? jsonRows(text, name) : csvRows(text, name);
  if (rows.length === 0 || rows.length > linksMax) {
    refuse(name, 0, `1 to ${linksMax} links`, rows.length);
  }
  const seen = new Set<number>();
  return rows.map(({ line, values }) => {
    const link = readLink(values, name, line);
    const { from, to } = link;
    if (from >= nodes || to >= nodes) {
      refuse(name, line, `nodes from 0 to ${nodes - 1}`, `${from} to ${to}`);
    }
    if (from === to) refuse(name, line, 'two different nodes', `${from} to ${to}`);
    const pair = from * nodes + to;
    if (seen.has(pair)) refuse(name, line, 'each link once', `${from} to ${to} again`);
    seen.add(pair);
    return link;
  });
}

interface Row {
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
}

function readLink(values: Row['values'], name: string, line: number): TracedLink {
  const read = (field: (typeof fields)[number]): number => {
    const value = values[field];
    const isWhole = field === 'from' || field === 'to';
    const isGood =
      typeof value === 'number' &&
      (isWhole ? Number.isInteger(value) : Number.isFinite(value)) &&
      value >= 0 &&
      value <= limits[field];
    if (!isGood) {
      const kind = isWhole ? 'a whole number' : 'a number';
      refuse(name, line, `${field}: ${kind} from 0 to ${limits[field]}`, String(value));
    }
    return value;
  };
  return {
    from: read('from'),
    to: read('to'),
    delayMs: read('delayMs'),
    bytesPerSecond: read('bytesPerSecond'),
    lossRate: read('lossRate'),
  };
}

function csvRows(text: string, name: string): Row[] {
  const lines = text.replace(/\r\n/g, '\n').replace(/\n$/, '').split('\n');
  const names = (lines[0] ?? '').split(',').map((cell) => cell.trim());
  checkFields(names, name, 1);
  return lines.slice(1).map((text, index) => {
    const cells = text.split(',').map((cell) => cell.trim());
    const line = index + 2;
    if (cells.length !== names.length) refuse(name, line, `${names.length} values`, cells.length);
    // Plain decimals: Number('') is 0, and Number('0x10') is 16.
    const values = cells.map((cell) =>
      /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : cell,
    );
    return { line, values: Object.fromEntries(names.map((key, at) => [key, values[at]])) };
  });
}

function jsonRows(text: string, name: string): Row[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    refuse(name, 0, 'JSON', 'something else');
  }
  if (!Array.isArray(list)) refuse(name, 0, 'a list of links', typeof list);
  return list.map((item: unknown, index) => {
    if (typeof item !== 'object' || item === null)
      refuse(name, index + 1, 'an object', typeof item);
    checkFields(Object.keys(item), name, index + 1);
    return { line: index + 1, values: item as Row['values'] };
  });
}

function checkFields(names: readonly string[], file: string, line: number): void {
  const isSame = [...names].sort().join() === [...fields].sort().join();
  if (!isSame) refuse(file, line, fields.join(', '), names.join(', '));
}

function refuse(file: string, line: number, expected: string, came: string | number): never {
  const place = line === 0 ? file : `${file}:${line}`;
  const short = String(came).slice(0, 80);
  throw new LabError({ code: 'bad_trace', line }, `${place}: expected ${expected}, got ${short}`);
}
