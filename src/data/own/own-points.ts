/** Points that an expert marked in a hospital's own case, held against the CT and one another. */
import { printableLine } from '../../base/index.ts';
import type { PointSet } from '../case/case.ts';
import { DataError, type LabelRule } from '../errors.ts';
import { landmarkNames, pointNames, tasks, type PointName, type TaskId } from '../tasks.ts';
import { distanceBetween, type Vector3 } from '../volume/vector.ts';
import { worldToVoxel, type Geometry } from '../volume/volume.ts';
import { decodeMarkups } from './markups.ts';
import type { Markup } from './points-text.ts';

/** Other names that experts write for a point. The paper's code calls the non-coronary cusp acoronary. */
const otherNames: Readonly<Record<string, PointName>> = { ACC: 'NCC' };

/** Points nearer than this are one point, mm: nobody can see them apart. */
const samePlaceMm = 0.1;

/**
 * All points of `task`: where they are marked, or null. Points of other tasks are passed over, since `predict` writes those of
 * all tasks into one file.
 *
 * @throws {DataError} 'bad_label'; as `decodeMarkups`
 */
export function readPoints(
  bytes: Uint8Array,
  task: TaskId,
  ct: Geometry,
): { readonly points: PointSet; readonly notes: readonly string[] } {
  return pointsOfTask(decodeMarkups(bytes), task, ct);
}

/** As `readPoints`, of points that were read. */
export function pointsOfTask(
  markups: readonly Markup[],
  task: TaskId,
  ct: Geometry,
): { readonly points: PointSet; readonly notes: readonly string[] } {
  const wanted = tasks[task].labels;
  const found = new Map<string, Vector3>();
  const others: string[] = [];
  for (const { label, position } of markups) {
    const capitals = label.toUpperCase();
    const name = otherNames[capitals] ?? capitals;
    if (isOfAnotherTask(name, task)) {
      others.push(name);
      continue;
    }
    if (!wanted.includes(name)) {
      refuseLabel('unknown_name', 'label', wanted.join(', '), quotedName(label));
    }
    if (found.has(name)) refuseLabel('name_twice', 'label', 'each point once', `${name} twice`);
    if (!isInside(position, ct)) {
      const came = 'one outside: are both of one patient?';
      refuseLabel('outside_ct', name, 'a place inside the CT', came);
    }
    const same = [...found].find(([, at]) => distanceBetween(at, position) < samePlaceMm);
    if (same !== undefined) {
      const came = `the place of ${same[0]}: one of the two is misplaced`;
      refuseLabel('same_place', name, 'a place of its own', came);
    }
    found.set(name, position);
  }
  const told = others.length === 0 ? '' : ` (${others.length} of other tasks)`;
  if (found.size === 0) {
    refuseLabel('no_points', 'points', `some of ${wanted.join(', ')}`, `none${told}`);
  }
  const missing = wanted.filter((name) => !found.has(name));
  return {
    points: Object.fromEntries(wanted.map((name) => [name, found.get(name) ?? null])),
    notes: [
      ...missing.map((name) => `${name} is not marked: taught as not there`),
      ...(others.length === 0
        ? []
        : [`${others.length} points of other tasks passed over: ${others.join(', ')}`]),
    ],
  };
}

/** @throws {DataError} 'bad_label' always */
export function refuseLabel(rule: LabelRule, field: string, expected: string, came: string): never {
  throw new DataError({ code: 'bad_label', rule }, `${field}: expected ${expected}, got ${came}`);
}

function isOfAnotherTask(name: string, task: TaskId): boolean {
  const isKnown = [...pointNames, ...landmarkNames].includes(name as PointName);
  return isKnown && !tasks[task].labels.includes(name);
}

/** A name that an expert typed, short and without anything that a terminal would act on. */
export function quotedName(name: string): string {
  const short = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  return `"${printableLine(short)}"`;
}

/** Points of two tasks may be near one another, but hardly at one place. */
export function aboutPlaces(marked: readonly (readonly [TaskId, PointSet])[]): string[] {
  const all = marked.flatMap(([, found]) =>
    Object.entries(found).flatMap(([name, at]) => (at === null ? [] : [[name, at] as const])),
  );
  return all.flatMap(([name, at], n) =>
    all
      .slice(0, n)
      .filter(([, other]) => distanceBetween(at, other) < samePlaceMm)
      .map(([other]) => `${other} and ${name} are at one place: is one misplaced?`),
  );
}

function isInside(world: Vector3, { affine, shape }: Geometry): boolean {
  const [i, j, k] = worldToVoxel(affine, world);
  const [depth, height, width] = shape;
  const within = (at: number, count: number): boolean => at >= -0.5 && at <= count - 0.5;
  return within(i, width) && within(j, height) && within(k, depth);
}
