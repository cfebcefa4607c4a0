/** Where a NIfTI file's voxels are in the patient: by its sform, its qform, or as the reader was told. */
import { DataError } from '../errors.ts';
import { readingDefaults, type ReadingSettings } from '../settings.ts';
import { cornersApart, spacingOf } from '../volume/volume.ts';
import type { NiftiFields } from './fields.ts';
import { affineOfQuaternion, troubleOf, type QuaternionForm } from './quaternion.ts';

/** How a file's voxels are placed. */
export interface Transform {
  /** Voxel (i, j, k) to RAS mm. */
  readonly affine: Float64Array;
  /** Which of the file's two transforms was used; `assumed` if it had none. */
  readonly transform: 'sform' | 'qform' | 'assumed';
  /** Between the places that the two transforms give one corner, mm, where it is largest; 0 unless there are two. */
  readonly transformsApartMm: number;
  /** Of the transforms worth a look, a line each; no text of the file. */
  readonly notes: readonly string[];
}

type Size = readonly [number, number, number];

/** Two transforms nearer than this are one: files round their numbers. */
const apartMmMax = 0.1;
/** A kilometre: nothing in a scanner is farther from its middle. */
const entryMax = 1e6;
const spacingMm = { min: 0.01, max: 100 } as const;

/**
 * The sform if its code is above 0 and it is not empty, else the qform if its code is, else `axes`.
 *
 * @param toMm what the file's numbers are multiplied with; 'mm' where they are mm, which are then held against the range of a CT's
 * @throws {DataError} 'bad_field' naming the field, 'ask_first'
 */
export function placedBy(
  fields: NiftiFields,
  size: Size,
  toMm: number | 'mm',
  { axes = readingDefaults.axes }: Partial<ReadingSettings>,
): Transform {
  const factor = toMm === 'mm' ? 1 : toMm;
  const hasRange = toMm === 'mm';
  const notes: string[] = [];
  const rows = fields.sformCode() > 0 ? readSform(fields) : null;
  const isEmpty = rows !== null && spacingOf(rows).every((length) => length === 0);
  const form = fields.qformCode() > 0 ? readQform(fields) : null;
  const trouble = form === null ? null : troubleOf(form);
  const found = form === null ? null : affineOfQuaternion(form);
  const qform = found === null ? null : scaled(found, factor);
  if (rows !== null && !isEmpty) {
    const hint =
      qform === null ? '' : '; the qform beside it is sound: with sform_code 0 it is used';
    const sform = checked(scaled(rows, factor), 'srow', hasRange, hint);
    if (trouble !== null) notes.push(`the qform is broken (${trouble.field}): read by the sform`);
    if (qform === null) return { affine: sform, transform: 'sform', transformsApartMm: 0, notes };
    const [first, most] = cornersApart(sform, qform, size);
    if (most > apartMmMax) {
      notes.push(
        `sform and qform place the image up to ${most.toFixed(1)} mm apart (its first voxel ` +
          `${first.toFixed(1)} mm): read by the sform; 3D Slicer, ITK and others may show the other place`,
      );
    }
    return { affine: sform, transform: 'sform', transformsApartMm: most, notes };
  }
  if (isEmpty) notes.push('the sform (srow) is all zeros and not used');
  if (trouble !== null) refuseHeader(trouble.field, trouble.expected, trouble.came);
  if (qform !== null) {
    const affine = checked(qform, 'pixdim', hasRange, '');
    return { affine, transform: 'qform', transformsApartMm: 0, notes };
  }
  if (axes === '') {
    const came = isEmpty ? 'an sform (srow) of zeros alone and no qform' : 'both 0';
    throw new DataError(
      { code: 'ask_first', option: 'axes' },
      `expected a qform or sform code above 0, got ${came}: left and right are not known; export the image ` +
        'with its orientation, or say how its axes run with --axes (reading.axes in a preset): LAS for left, front, up',
    );
  }
  const assumed = scaled(assumedAffine(fields, size, axes), factor);
  const affine = checked(assumed, 'pixdim', hasRange, '');
  return { affine, transform: 'assumed', transformsApartMm: 0, notes };
}

/** @throws {DataError} 'bad_field' always. */
export function refuseHeader(field: string, expected: string, came: string, hint = ''): never {
  throw new DataError(
    { code: 'bad_field', field },
    `${field}: expected ${expected}, got ${came}; the header is damaged, export the image again${hint}`,
  );
}

function readSform(fields: NiftiFields): Float64Array {
  return new Float64Array([...Array.from({ length: 12 }, (_, n) => fields.srow(n)), 0, 0, 0, 1]);
}

function readQform(fields: NiftiFields): QuaternionForm {
  return {
    b: fields.quatern(0),
    c: fields.quatern(1),
    d: fields.quatern(2),
    shift: [fields.quatern(3), fields.quatern(4), fields.quatern(5)],
    spacing: [fields.pixdim(1), fields.pixdim(2), fields.pixdim(3)],
    // 0 is read as 1: many programs leave it empty.
    handedness: fields.pixdim(0) < 0 ? -1 : 1,
  };
}

/** Axes as told, the middle of the volume at 0. */
function assumedAffine(fields: NiftiFields, size: Size, axes: string): Float64Array {
  const affine = new Float64Array(16);
  affine[15] = 1;
  for (let axis = 0; axis < 3; axis++) {
    const letter = axes.charAt(axis);
    const row = ['RL', 'AP', 'SI'].findIndex((pair) => pair.includes(letter));
    const sign = 'RAS'.includes(letter) ? 1 : -1;
    const step = sign * fields.pixdim(axis + 1);
    affine[row * 4 + axis] = step;
    affine[row * 4 + 3] = (-((size[axis] ?? 1) - 1) / 2) * step;
  }
  return affine;
}

function scaled(affine: Float64Array, factor: number): Float64Array {
  return affine.map((value, n) => (n < 12 ? value * factor : value));
}

function checked(
  affine: Float64Array,
  field: 'srow' | 'pixdim',
  hasRange: boolean,
  hint: string,
): Float64Array {
  const far = affine.find((value) => !(Math.abs(value) <= entryMax));
  if (far !== undefined) {
    const expected = `numbers of at most ${entryMax} mm`;
    refuseHeader(field, expected, Number.isFinite(far) ? far.toPrecision(3) : String(far), hint);
  }
  const spacing = spacingOf(affine);
  const told = spacing.map((mm) => Number(mm.toPrecision(3)));
  const flat = told.some((mm) => mm === 0);
  if (flat) {
    refuseHeader(field, 'axes that span a volume', `steps of ${told.join(', ')} mm`, hint);
  }
  if (hasRange && !spacing.every((mm) => mm >= spacingMm.min && mm <= spacingMm.max)) {
    const expected = `voxels of ${spacingMm.min} to ${spacingMm.max} mm`;
    refuseHeader(field, expected, `${told.join(' x ')} (check the unit)`, hint);
  }
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0] = affine;
  const volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const box = spacing.reduce((product, mm) => product * mm, 1);
  if (!(Math.abs(volume) > 0.1 * box)) {
    refuseHeader(field, 'axes that span a volume', 'axes that lie in one plane', hint);
  }
  return affine;
}
