/** A phantom's truth as bytes: kept apart from the case, so that training cannot look. */
import { readPoint } from '../case/case.ts';
import {
  cutArrays,
  decodePacked,
  encodePacked,
  geometryHeader,
  readGeometry,
  readObject,
  refuseField,
} from '../case/packed.ts';
import { heartLabels, landmarkNames, pointNames } from '../tasks.ts';
import type { Vector3 } from '../volume/vector.ts';
import { voxelCount } from '../volume/volume.ts';
import type { Truth } from './truth.ts';

const kind = 'ANNTRUE';

/** `packed.ts` with header `{shape, affine, points, landmarks}`, then calcium and heart maps. */
export function encodeTruth(truth: Truth): Uint8Array {
  const { geometry, points, landmarks } = truth;
  const header = {
    ...geometryHeader(geometry),
    points: { ...points },
    landmarks: { ...landmarks },
  };
  return encodePacked(kind, header, [truth.calcium, truth.heart]);
}

/** @throws {DataError} when the bytes are not a truth file, cut short, or break a rule. */
export function decodeTruth(bytes: Uint8Array): Truth {
  const { header, rest } = decodePacked(kind, bytes);
  const fields = readObject(header, 'truth', ['shape', 'affine', 'points', 'landmarks']);
  const geometry = readGeometry(fields.shape, fields.affine);
  const points = readNamedPoints(fields.points, 'points', pointNames);
  const landmarks = readNamedPoints(fields.landmarks, 'landmarks', landmarkNames);
  const count = voxelCount(geometry.shape);
  const [calcium = new Uint8Array(0), heart = new Uint8Array(0)] = cutArrays(rest, [count, count]);
  if (calcium.some((value) => value > 1)) refuseField('calcium', '0 or 1', 'a higher value');
  if (heart.some((value) => value > heartLabels.length)) {
    refuseField('heart', `0 to ${heartLabels.length}`, 'a higher value');
  }
  return { geometry, points, landmarks, calcium, heart };
}

/** @throws {DataError} 'bad_field' unless each of `names` has a place, and nothing else. */
function readNamedPoints<Name extends string>(
  value: unknown,
  field: string,
  names: readonly Name[],
): Readonly<Record<Name, Vector3>> {
  const fields = readObject(value, field, names);
  const read = names.map((name) => [name, readPoint(fields[name], field)] as const);
  return Object.fromEntries(read) as Record<Name, Vector3>;
}
