/**
 * The state of a run after a round, as a file: a line of JSON that says what follows, a line of JSON with the nodes' states,
 * all numbers as little-endian float64, and the SHA-256 of all before. docs/lab.md
 */
import { concatBytes, equalBytes, fromUtf8, messageOf, utf8 } from '../../base/index.ts';
import { sha256 } from '../../crypto/index.ts';
import { LabError } from './errors.ts';
import { pack, unpack } from './plain-data.ts';
import type { Vector } from './task.ts';

/** All numbers of a run. */
export interface LabState {
  readonly round: number;
  /** Of the nodes' states: those of another cannot be taken over. */
  readonly algorithm: string;
  /** By name. */
  readonly rows: ReadonlyMap<string, Vector>;
  /** Of each node. */
  readonly states: readonly unknown[];
  /** What was on its way between nodes that do not wait for each other; null where they do. */
  readonly underway: unknown;
}

const format = 'annulus-lab-state/1';
const digestBytes = 32;
const headBytesMax = 1024 * 1024;
const rowsMax = 64;
const vectorsMax = 2 ** 22;
const numbersMax = 2 ** 31;

interface Head {
  readonly format: string;
  readonly round: number;
  readonly algorithm: string;
  readonly rows: readonly (readonly [name: string, length: number])[];
  /** Bytes of the line of states, and how many vectors of which length are in it. */
  readonly stateBytes: number;
  readonly vectorCount: number;
  readonly vectorLength: number;
}

/** The file of a state. */
export function encodeState({ round, algorithm, rows, states, underway }: LabState): Uint8Array {
  const { json, vectors } = pack({ states, underway });
  const stateLine = utf8(`${JSON.stringify(json)}\n`);
  const head: Head = {
    ...{ format, round, algorithm },
    rows: [...rows].map(([name, { length }]) => [name, length]),
    stateBytes: stateLine.byteLength,
    vectorCount: vectors.length,
    // All vectors of a state are as long as the model.
    vectorLength: vectors[0]?.length ?? 0,
  };
  const numbers = [...rows.values(), ...vectors].map((row) => {
    const bytes = new Uint8Array(8 * row.length);
    const view = new DataView(bytes.buffer);
    row.forEach((value, at) => {
      view.setFloat64(8 * at, value, true);
    });
    return bytes;
  });
  const body = concatBytes(utf8(`${JSON.stringify(head)}\n`), stateLine, ...numbers);
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
  const { round, algorithm, stateBytes, vectorCount, vectorLength } = head;
  const inRows = head.rows.reduce((sum, [, length]) => sum + length, 0);
  const wanted = inRows + vectorCount * vectorLength;
  const start = end + 1 + stateBytes;
  if (body.length !== start + 8 * wanted) refuse(name, `${wanted} numbers`);
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let offset = start;
  const next = (length: number): Vector => {
    const values = Float64Array.from({ length }, (_, at) => view.getFloat64(offset + 8 * at, true));
    offset += 8 * length;
    return values;
  };
  const rows = head.rows.map(([row, length]): [string, Vector] => [row, next(length)]);
  const vectors = Array.from({ length: vectorCount }, () => next(vectorLength));
  try {
    const read = unpack(JSON.parse(fromUtf8(body.subarray(end + 1, start))), vectors);
    const { states, underway = null } = Object(read) as Partial<LabState>;
    if (!Array.isArray(states)) refuse(name, 'a list of states');
    return { round, algorithm, rows: new Map(rows), states, underway };
  } catch (error) {
    if (error instanceof LabError) throw error;
    refuse(name, `states of nodes (${messageOf(error)})`);
  }
}

function readHead(bytes: Uint8Array, name: string): Head {
  let head: Partial<Head>;
  try {
    head = Object(JSON.parse(fromUtf8(bytes))) as Partial<Head>;
  } catch (error) {
    refuse(name, `JSON in its first line (${messageOf(error)})`);
  }
  if (head.format !== format) refuse(name, `the format ${format}`);
  const { rows, algorithm, round, stateBytes, vectorCount, vectorLength } = head;
  if (typeof algorithm !== 'string') refuse(name, 'an algorithm');
  if (!isCount(round) || !isCount(stateBytes)) refuse(name, 'whole numbers from 0');
  if (!isCount(vectorCount) || vectorCount > vectorsMax || !isCount(vectorLength)) {
    refuse(name, `at most ${vectorsMax} vectors`);
  }
  if (!Array.isArray(rows) || rows.length > rowsMax) refuse(name, `at most ${rowsMax} rows`);
  let total = vectorCount * vectorLength;
  for (const row of rows as readonly unknown[]) {
    const [key, length] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    total += typeof key === 'string' && isCount(length) ? length : Infinity;
  }
  if (total > numbersMax) refuse(name, `at most ${numbersMax} numbers`);
  return head as Head;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function refuse(name: string, expected: string): never {
  throw new LabError({ code: 'bad_state' }, `${name}: expected ${expected}`);
}
