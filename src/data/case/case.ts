/** One patient as a hospital keeps it for training, and its bytes on the hospital's disk. */
import { channelCount, pointNames, parseTaskId, taskIds, tasks, heartLabels } from '../tasks.ts';
import type { PointName, TaskId } from '../tasks.ts';
import type { Vector3 } from '../volume/vector.ts';
import { voxelCount, type Volume } from '../volume/volume.ts';
import {
  cutArrays,
  decodePacked,
  encodePacked,
  geometryHeader,
  readGeometry,
  readObject,
  refuseField,
  type HeaderJson,
} from './packed.ts';
import { encodeValues, decodeValues, type ValueKind } from './values.ts';

/** Who made a label map: an expert, or a teacher model. */
export type LabelOrigin = 'expert' | 'pseudo';

/**
 * A teacher's soft label of each voxel, with how sure it is, in bytes.
 *
 * `probabilities` are `[voxel][class]`, background first, in 255ths. The other two are uncertainties, `[voxel]`: the
 * largest over the classes, at most 1/4 since a variance of a probability is, in 255ths of that.
 */
export interface SoftLabelMap {
  readonly probabilities: Uint8Array;
  /** Mean over the passes of p·(1 - p): what the image leaves open. */
  readonly aleatoric: Uint8Array;
  /** Variance of p over the passes: what the teacher does not know. */
  readonly epistemic: Uint8Array;
}

/** Points in RAS mm; `null` where the expert found none, absent where nobody looked. */
export type PointSet = Readonly<Partial<Record<PointName, Vector3 | null>>>;

/** An image with what is known about it. `labels` and `origin` have the same keys. */
export interface Case {
  /** `[A-Za-z0-9._-]{1,64}`: a pseudonym, never a patient's name or number. */
  readonly id: string;
  readonly image: Volume;
  /** Label maps on the image's grid, values as in `tasks`. */
  readonly labels: Readonly<Partial<Record<TaskId, Uint8Array>>>;
  readonly origin: Readonly<Partial<Record<TaskId, LabelOrigin>>>;
  /** Of pseudo-labels that were made with one. */
  readonly softLabels?: Readonly<Partial<Record<TaskId, SoftLabelMap>>>;
  /** Heart structures on the image's grid, values as in `heartLabels`. */
  readonly heart?: Uint8Array;
  /** The expert's points, for distances in mm. */
  readonly points?: PointSet;
}

const kind = 'ANNCASE';
const idForm = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * The case as bytes: `packed.ts` with header `{id, shape, affine, values, labels, heart, points}`, then
 * the image (16-bit if every value is a whole number that fits, else 32-bit float), in task order each label map and
 * the three arrays of its soft label if it has one, and the heart map.
 *
 * @throws {DataError} 'bad_field' when the case breaks its own rules.
 */
export function encodeCase(one: Case): Uint8Array {
  const present = taskIds.filter((task) => one.labels[task] !== undefined);
  const { kind: values, bytes } = encodeValues(one.image.data);
  const header: HeaderJson = {
    id: one.id,
    ...geometryHeader(one.image),
    values,
    labels: present.map((task) => ({
      ...{ task, origin: one.origin[task] ?? 'none' },
      softLabel: one.softLabels?.[task] !== undefined,
    })),
    heart: one.heart !== undefined,
    points: one.points === undefined ? null : { ...one.points },
  };
  const maps = present.flatMap((task) => {
    const soft = one.softLabels?.[task];
    const map = one.labels[task] ?? new Uint8Array(0);
    if (soft === undefined) return [map];
    return [map, soft.probabilities, soft.aleatoric, soft.epistemic];
  });
  const encoded = encodePacked(kind, header, [bytes, ...maps, ...(one.heart ? [one.heart] : [])]);
  decodeCase(encoded); // what we write, we can read: refuses a broken case before it is kept
  return encoded;
}

/**
 * The case in `bytes`, checked field by field.
 *
 * @throws {DataError} when the bytes are not a case, cut short, or break a rule.
 */
export function decodeCase(bytes: Uint8Array): Case {
  const { header, rest } = decodePacked(kind, bytes);
  const keys = ['id', 'shape', 'affine', 'values', 'labels', 'heart', 'points'];
  const fields = readObject(header, 'case', keys);
  const { id, values, heart } = fields;
  if (typeof id !== 'string' || !idForm.test(id)) {
    refuseField('id', '1 to 64 of A-Z a-z 0-9 . _ -', 'something else');
  }
  if (values !== 'int16' && values !== 'float32') {
    refuseField('values', 'int16 or float32', 'something else');
  }
  if (typeof heart !== 'boolean') refuseField('heart', 'true or false', 'something else');
  const geometry = readGeometry(fields.shape, fields.affine);
  const made = readOrigins(fields.labels);
  const count = voxelCount(geometry.shape);
  const lengths = [
    count * bytesPerValue(values),
    ...made.flatMap(({ task, softLabel }) =>
      softLabel ? [count, count * channelCount(task), count, count] : [count],
    ),
    ...(heart ? [count] : []),
  ];
  const [image = new Uint8Array(0), ...arrays] = cutArrays(rest, lengths);
  const next = (): Uint8Array => arrays.shift() ?? refuseField('arrays', 'one more', 'none');
  const labels: Partial<Record<TaskId, Uint8Array>> = {};
  const origin: Partial<Record<TaskId, LabelOrigin>> = {};
  const softLabels: Partial<Record<TaskId, SoftLabelMap>> = {};
  for (const entry of made) {
    const { task } = entry;
    labels[task] = checkMap(next(), task, tasks[task].labels.length);
    origin[task] = entry.origin;
    if (!entry.softLabel) continue;
    softLabels[task] = { probabilities: next(), aleatoric: next(), epistemic: next() };
  }
  const points = readPoints(fields.points);
  return {
    id,
    image: { ...geometry, data: decodeValues(image, values) },
    labels,
    origin,
    ...(Object.keys(softLabels).length > 0 ? { softLabels } : {}),
    ...(heart ? { heart: checkMap(next(), 'heart', heartLabels.length) } : {}),
    ...(points === null ? {} : { points }),
  };
}

interface LabelEntry {
  readonly task: TaskId;
  readonly origin: LabelOrigin;
  readonly softLabel: boolean;
}

function readOrigins(value: unknown): LabelEntry[] {
  const entries: unknown[] = Array.isArray(value) ? value : refuseField('labels', 'a list', 'none');
  const read = entries.map((entry): LabelEntry => {
    const fields = readObject(entry, 'labels', ['task', 'origin', 'softLabel']);
    const task = parseTaskId(fields.task) ?? refuseField('task', 'a known task', 'another');
    const { origin, softLabel } = fields;
    if (origin !== 'expert' && origin !== 'pseudo') {
      return refuseField('origin', 'expert or pseudo', 'something else');
    }
    if (typeof softLabel !== 'boolean' || (softLabel && origin === 'expert')) {
      return refuseField('softLabel', 'true or false, and true of pseudo-labels only', 'another');
    }
    return { task, origin, softLabel };
  });
  const order = read.map((entry) => taskIds.indexOf(entry.task));
  if (order.some((place, n) => n > 0 && place <= (order[n - 1] ?? -1))) {
    refuseField('labels', 'each task once, in the order of the tasks table', 'another order');
  }
  return read;
}

/** `null` when the header holds none. @throws {DataError} 'bad_field'. */
function readPoints(value: unknown): PointSet | null {
  if (value === null) return null;
  const optional = pointNames.map((name) => `${name}?`);
  const fields = readObject(value, 'points', optional);
  const read = Object.entries(fields).map(([name, at]) => [
    name,
    at === null ? null : readPoint(at, 'points'),
  ]);
  return Object.fromEntries(read) as PointSet;
}

/** @throws {DataError} 'bad_field' naming `field`. */
export function readPoint(value: unknown, field: string): Vector3 {
  const numbers = Array.isArray(value) ? (value as unknown[]) : [];
  const [x, y, z] = numbers;
  const good = numbers.length === 3 && numbers.every((part) => Number.isFinite(part));
  return good
    ? [x as number, y as number, z as number]
    : refuseField(field, 'three finite numbers for each', 'something else');
}

function checkMap(map: Uint8Array, field: string, highest: number): Uint8Array {
  if (map.some((value) => value > highest)) {
    refuseField(field, `label values from 0 to ${highest}`, 'a higher one');
  }
  return map;
}

function bytesPerValue(values: ValueKind): number {
  return values === 'int16' ? 2 : 4;
}
