/** Slices of a file: where each is, and how its stored values become HU. One for a file of one slice, many for enhanced CT. */
import type { Vector3 } from '../volume/vector.ts';
import type { DataSet } from './elements.ts';
import { breaks } from './refusal.ts';
import type { Keyword } from './tags.ts';
import { asciiOf, codesOf, decimalOf, decimalsOf, elementOf, itemOf, missing } from './values.ts';

/** Directions of a row of pixels and of a column: ImageOrientationPatient. */
export type Orientation = readonly [number, number, number, number, number, number];

/** Where a slice is. */
export interface FramePlace {
  /** From 1 in a file of many, else null. */
  readonly frame: number | null;
  /** Centre of the first voxel, LPS mm. */
  readonly position: Vector3;
  readonly orientation: Orientation;
  /** Between rows and between columns, mm. */
  readonly pixelSpacing: readonly [number, number];
  readonly thicknessMm: number | null;
}

/** A slice. */
export interface FrameFacts extends FramePlace {
  readonly slope: number;
  readonly intercept: number;
}

/** A kilometre: nothing in a scanner is farther from its middle. */
const positionMax = 1e6;
const spacingMm = { min: 0.01, max: 100 } as const;
/** How far from 1, and from a right angle, directions may be: 6 decimals leave 1e-6, some programs write 3. */
const directionOff = 0.01;
const slopeMax = 1000;
const interceptMax = 1e6;

/** Where a frame's attributes are. */
export interface FrameSource {
  /** From 1 in a file of many, else null. */
  readonly frame: number | null;
  /** The data set in which the attributes of a sequence stand, null where it is missing. */
  readonly macro: (sequence: Keyword) => DataSet | null;
}

/**
 * The slices of a file, in the file's order.
 *
 * @throws {DataError} 'dicom': missing_value, value, position, orientation, spacing, rescale, pixel_format
 */
export function framesOf(dataSet: DataSet, frameCount: number): FrameFacts[] {
  return frameSourcesOf(dataSet, frameCount).map((source) => frameOf(dataSet, source));
}

/**
 * Where each frame's attributes are. Those of many come out of functional groups (PS3.3, C.7.6.16), a frame's own before what all
 * share; of a file without them, everything is in the data set itself.
 *
 * @throws {DataError} 'dicom': missing_value, value
 */
export function frameSourcesOf(dataSet: DataSet, frameCount: number): FrameSource[] {
  const groups = elementOf(dataSet, 'PerFrameFunctionalGroupsSequence')?.items ?? [];
  const shared = itemOf(dataSet, 'SharedFunctionalGroupsSequence');
  if (groups.length === 0 && shared === null) {
    if (frameCount === 1) return [{ frame: null, macro: () => dataSet }];
    throw breaks(
      'missing_value',
      `PerFrameFunctionalGroupsSequence: expected the places of ${frameCount} frames, there are none`,
    );
  }
  if (groups.length !== frameCount) {
    throw breaks(
      'value',
      `PerFrameFunctionalGroupsSequence: expected ${frameCount} items, one for each frame, got ${groups.length}`,
    );
  }
  return groups.map((own, index) => ({
    frame: index + 1,
    macro: (keyword) => itemOf(own, keyword) ?? (shared === null ? null : itemOf(shared, keyword)),
  }));
}

function frameOf(dataSet: DataSet, source: FrameSource): FrameFacts {
  const { frame, macro } = source;
  const type = macro('CTImageFrameTypeSequence');
  if (frame !== null && type !== null && codesOf(type, 'FrameType').includes('LOCALIZER')) {
    throw breaks('pixel_format', `FrameType: expected slices, frame ${frame} is a localizer`);
  }
  return {
    ...placeOf(source),
    ...rescaleOf(dataSet, macro('PixelValueTransformationSequence')),
  };
}

/** @throws {DataError} 'dicom': missing_value, value, position, orientation, spacing */
export function placeOf({ frame, macro }: FrameSource): FramePlace {
  const within = (sequence: Keyword): DataSet => macro(sequence) ?? missing(sequence);
  const measures = within('PixelMeasuresSequence');
  return {
    frame,
    position: positionOf(within('PlanePositionSequence')),
    orientation: orientationOf(within('PlaneOrientationSequence')),
    pixelSpacing: pixelSpacingOf(measures),
    // Of no use for geometry, so not a reason to refuse anything.
    thicknessMm: elementOf(measures, 'SliceThickness') === undefined ? null : thicknessOf(measures),
  };
}

function positionOf(dataSet: DataSet): Vector3 {
  const position = decimalsOf(dataSet, 'ImagePositionPatient', 3);
  if (position === null) {
    throw breaks(
      'position',
      'ImagePositionPatient: expected the place of the slice, there is none',
    );
  }
  if (position.every((mm) => Math.abs(mm) <= positionMax)) return position as unknown as Vector3;
  throw breaks(
    'position',
    `ImagePositionPatient: expected at most ${positionMax} mm from the middle`,
  );
}

function orientationOf(dataSet: DataSet): Orientation {
  const found = decimalsOf(dataSet, 'ImageOrientationPatient', 6);
  if (found === null) {
    throw breaks(
      'orientation',
      'ImageOrientationPatient: expected the directions of rows and columns, there are none',
    );
  }
  const [a, b, c, d, e, f] = found as unknown as Orientation;
  const [row, column] = [Math.hypot(a, b, c), Math.hypot(d, e, f)];
  const across = a * d + b * e + c * f;
  const isUnit = Math.abs(row - 1) <= directionOff && Math.abs(column - 1) <= directionOff;
  if (isUnit && Math.abs(across) <= directionOff) return [a, b, c, d, e, f];
  throw breaks(
    'orientation',
    'ImageOrientationPatient: expected two directions of length 1 at a right angle, got lengths of ' +
      `${row.toPrecision(4)} and ${column.toPrecision(4)} with a product of ${across.toPrecision(3)}`,
  );
}

function pixelSpacingOf(dataSet: DataSet): readonly [number, number] {
  const spacing = decimalsOf(dataSet, 'PixelSpacing', 2);
  if (spacing === null) {
    throw breaks('spacing', 'PixelSpacing: expected the distance between pixels, there is none');
  }
  if (spacing.every((mm) => mm >= spacingMm.min && mm <= spacingMm.max)) {
    return spacing as unknown as [number, number];
  }
  const came = spacing.map((mm) => Number(mm.toPrecision(4))).join(' x ');
  throw breaks(
    'spacing',
    `PixelSpacing: expected ${spacingMm.min} to ${spacingMm.max} mm, got ${came}`,
  );
}

function thicknessOf(dataSet: DataSet): number | null {
  const thickness = decimalOf(dataSet, 'SliceThickness');
  return thickness !== null && thickness > 0 && thickness <= spacingMm.max ? thickness : null;
}

function rescaleOf(
  dataSet: DataSet,
  macro: DataSet | null,
): { readonly slope: number; readonly intercept: number } {
  if (elementOf(dataSet, 'ModalityLUTSequence') !== undefined) {
    throw breaks(
      'rescale',
      'expected RescaleSlope and RescaleIntercept, got a ModalityLUTSequence',
    );
  }
  const [slope, intercept] = [
    macro === null ? null : decimalOf(macro, 'RescaleSlope'),
    macro === null ? null : decimalOf(macro, 'RescaleIntercept'),
  ];
  if (macro === null || slope === null || intercept === null) {
    throw breaks('rescale', 'expected RescaleSlope and RescaleIntercept, one or both are missing');
  }
  const type = asciiOf(macro, 'RescaleType').toUpperCase();
  if (type !== '' && type !== 'HU') {
    throw breaks('rescale', 'RescaleType: expected HU, got another unit');
  }
  if (!(slope !== 0 && Math.abs(slope) <= slopeMax)) {
    throw breaks('rescale', `RescaleSlope: expected up to ${slopeMax} and not 0, got ${slope}`);
  }
  if (!(Math.abs(intercept) <= interceptMax)) {
    throw breaks('rescale', `RescaleIntercept: expected at most ${interceptMax}, got ${intercept}`);
  }
  return { slope, intercept };
}
