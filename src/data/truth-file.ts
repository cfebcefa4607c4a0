/** A phantom's truth as bytes: kept apart from the case, so that training cannot look. */
import { readPoints } from './case.ts';
import {
  cutArrays,
  decodePacked,
  encodePacked,
  geometryHeader,
  readGeometry,
  readObject,
  refuseField,
} from './packed.ts';
import type { Truth } from './phantom.ts';
import { heartLabels, pointNames, type PointName } from './tasks.ts';
import type { Vector3 } from './vector.ts';
import { voxelCount } from './volume.ts';

const kind = 'ANNTRUE';

/** `packed.ts` with header `{shape, affine, points}`, then calcium and heart maps. */
export function encodeTruth(truth: Truth): Uint8Array {
  const header = { ...geometryHeader(truth.geometry), points: { ...truth.points } };
  return encodePacked(kind, header, [truth.calcium, truth.heart]);
}

/** @throws {DataError} when the bytes are not a truth file, cut short, or break a rule. */
export function decodeTruth(bytes: Uint8Array): Truth {
  const { header, rest } = decodePacked(kind, bytes);
  const fields = readObject(header, 'truth', ['shape', 'affine', 'points']);
  const geometry = readGeometry(fields.shape, fields.affine);
  const points = readPoints(fields.points) ?? {};
  if (!pointNames.every((name) => Array.isArray(points[name]))) {
    refuseField('points', 'all seven points', 'fewer');
  }
  const count = voxelCount(geometry.shape);
  const [calcium = new Uint8Array(0), heart = new Uint8Array(0)] = cutArrays(rest, [count, count]);
  if (calcium.some((value) => value > 1)) refuseField('calcium', '0 or 1', 'a higher value');
  if (heart.some((value) => value > heartLabels.length)) {
    refuseField('heart', `0 to ${heartLabels.length}`, 'a higher value');
  }
  return { geometry, points: points as Readonly<Record<PointName, Vector3>>, calcium, heart };
}
