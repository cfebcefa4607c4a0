/**
 * The state of a run after a round, as a file: a line of JSON that says what follows, the numbers as little-endian float64 in
 * that order, and the SHA-256 of all before. docs/lab.md
 */
import { concatBytes, equalBytes, fromUtf8, messageOf, utf8 } from '../../base/index.ts';
import { sha256 } from '../../crypto/index.ts';
import { LabError } from './errors.ts';
import type { Vector } from './task.ts';

/** All numbers of a run, by name. */
export interface LabState {
  readonly round: number;
  readonly rows: ReadonlyMap<string, Vector>;
}

const format = 'annulus-lab-state/1';
const digestBytes = 32;
const headBytesMax = 64 * 1024;
const rowsMax = 64;
const numbersMax = 2 ** 31;

interface Head {
  readonly format: string;
  readonly round: number;
  readonly rows: readonly (readonly [name: string, length: number])[];
}

/** The file of a state. */
export function encodeState({ round, rows }: LabState): Uint8Array {
  const head: Head = { format, round, rows: [...rows].map(([name, { length }]) => [name, length]) };
  const numbers = [...rows.values()].map((row) => {
    const bytes = new Uint8Array(8 * row.length);
    const view = new DataView(bytes.buffer);
    row.forEach((value, at) => {
      view.setFloat64(8 * at, value, true);
    });
    return bytes;
  });
  const body = concatBytes(utf8(`${JSON.stringify(head)}\n`), ...numbers);
  return concatBytes(body, sha256(body));
}

/** @throws {LabError} 'bad_state' naming the file, unless it is whole and as it was written */
export function decodeState(bytes: Uint8Array, name: string): LabState {
  const end = bytes.subarray(0, headBytesMax).indexOf(0x0a);
  if (end < 0 || bytes.length < end + 1 + digestBytes) refuse(name, 'a state file');
  const body = bytes.subarray(0, bytes.length - digestBytes);
  if (!equalBytes(sha256(body), bytes.subarray(body.length))) {
    refuse(name, 'the bytes that were written: its SHA-256 differs');
  }
  const head = readHead(bytes.subarray(0, end), name);
  const wanted = head.rows.reduce((sum, [, length]) => sum + length, 0);
  if (body.length !== end + 1 + 8 * wanted) refuse(name, `${wanted} numbers`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let offset = end + 1;
  const rows = head.rows.map(([row, length]): [string, Vector] => {
    const values = Float64Array.from({ length }, (_, at) => view.getFloat64(offset + 8 * at, true));
    offset += 8 * length;
    return [row, values];
  });
  return { round: head.round, rows: new Map(rows) };
}

function readHead(bytes: Uint8Array, name: string): Head {
  let head: Partial<Head>;
  try {
    head = Object(JSON.parse(fromUtf8(bytes))) as Partial<Head>;
  } catch (error) {
    refuse(name, `JSON in its first line (${messageOf(error)})`);
  }
  if (head.format !== format) refuse(name, `the format ${format}`);
  const { round, rows } = head;
  if (!Number.isSafeInteger(round) || (round as number) < 0) refuse(name, 'a round from 0');
  if (!Array.isArray(rows) || rows.length > rowsMax) refuse(name, `at most ${rowsMax} rows`);
  let total = 0;
  for (const row of rows as readonly unknown[]) {
    const [key, length] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    const isRow =
      typeof key === 'string' && Number.isSafeInteger(length) && (length as number) >= 0;
    total += isRow ? (length as number) : Infinity;
    if (total > numbersMax) refuse(name, `rows of together at most ${numbersMax} numbers`);
  }
  return head as Head;
}

function refuse(name: string, expected: string): never {
  throw new LabError({ code: 'bad_state' }, `${name}: expected ${expected}`);
}
