/**
 * A case as a site's programs left it, made into the files that this program keeps of it: the CT with its axes to the right, to the
 * front and up, points under our names, label maps on the CT's grid. Nothing else of the source goes into them. What can be
 * wrong with labels is said here, and nothing is guessed.
 */
import { DataError } from '../errors.ts';
import { encodeNifti } from '../nifti/writer.ts';
import { imageFindings } from '../plausibility/image.ts';
import { rootFindings } from '../plausibility/root.ts';
import { bloodFindings, calciumFindings } from '../plausibility/tissue.ts';
import type { Finding } from '../plausibility/verdict.ts';
import {
  heartLabels,
  landmarkNames,
  pointNames,
  tasks,
  type PointName,
  type TaskId,
} from '../tasks.ts';
import { toRas } from '../volume/orientation.ts';
import type { Vector3 } from '../volume/vector.ts';
import { voxelMl, type Volume } from '../volume/volume.ts';
import type { CtFile } from './ct.ts';
import { labelsOn } from './label-map.ts';
import { meaningOf, type LabelMeaning, type LabelNames } from './label-names.ts';
import { encodeMarkups } from './markups.ts';
import type { CaseFile, CaseFiles } from './own-case.ts';
import { aboutPlaces, pointsOfTask, quotedName, refuseLabel } from './own-points.ts';
import type { Markup } from './points-text.ts';

/** Names that a message quotes. */
const namesToldMax = 12;

/** Points of one file. */
export interface SitePoints {
  /** The only task that its points are taken for; null for all: `hps.mrk.json` and `ms.mrk.json` may be one file twice. */
  readonly task: TaskId | null;
  readonly markups: readonly Markup[];
}

/** A label map of a file, or one segment of it. */
export interface SiteMask {
  /** Calcium and structures: whatever is not 0. The heart as a whole: 1 to 7. */
  readonly meaning: Exclude<LabelMeaning, PointName | 'ignore'>;
  readonly volume: Volume;
}

/** What a site has of a case. */
export interface SiteSources {
  readonly ct: CtFile;
  readonly points: readonly SitePoints[];
  readonly masks: readonly SiteMask[];
}

/** The case. */
export interface SiteCase {
  readonly files: CaseFiles;
  /** Of the tasks, and `heart`: which there are. */
  readonly labels: readonly CaseFile[];
  /** The CT in its new axes. */
  readonly ct: Volume;
  readonly points: Readonly<Partial<Record<PointName, Vector3>>>;
  readonly calcium: Uint8Array | null;
  /** Worth a look, a line each; nothing of the patient. */
  readonly notes: readonly string[];
  /** What no heart has, of the labels: somebody has to say that it is meant. */
  readonly doubts: readonly Finding[];
}

/** The case in `sources`. @throws {DataError} 'bad_label' naming the rule */
export function siteCase(sources: SiteSources, names: LabelNames): SiteCase {
  const ct = toRas(sources.ct.volume);
  const { markups, notes } = namedPoints(sources.points, names);
  const files: Partial<Record<CaseFile, Uint8Array>> = { ct: encodeCt(ct) };
  const marked = (['hps', 'ms'] as const).flatMap((task) => {
    const own = markups.filter(({ label }) => tasks[task].labels.includes(label));
    if (own.length === 0) return [];
    const read = pointsOfTask(own, task, ct);
    notes.push(...read.notes.map((note) => `${task}: ${note}`));
    files[task] = encodeMarkups(own);
    return [[task, read.points] as const];
  });
  notes.push(...aboutPlaces(marked));
  const { calcium, heart } = maps(sources.masks, ct);
  for (const [file, data] of [
    ['calc', calcium],
    ['heart', heart],
  ] as const) {
    // prettier-ignore
    if (data !== null) files[file] = encodeNifti({ ...ct, data }, { gzip: true });
  }
  const points = Object.fromEntries(
    markups.map(({ label, position }) => [label, position]),
  ) as SiteCase['points'];
  const ml = calcium === null ? 0 : voxelMl(ct) * calcium.reduce((sum, value) => sum + value, 0);
  return {
    files,
    labels: (['hps', 'ms', 'calc', 'heart'] as const).filter((file) => files[file] !== undefined),
    ...{ ct, points, calcium },
    notes: [...sources.ct.notes, ...notes, ...imageFindings(ct).map(({ text }) => text)],
    doubts: [
      ...rootFindings(points),
      ...bloodFindings(points, ct),
      ...(calcium === null ? [] : calciumFindings(calcium, ml, ct)),
    ],
  };
}

/** In 16 bits where nothing is lost. */
function encodeCt(ct: Volume): Uint8Array {
  const small = new Int16Array(ct.data);
  let isExact = true;
  for (let n = 0; n < small.length && isExact; n++) isExact = small[n] === ct.data[n];
  return encodeNifti({ ...ct, data: isExact ? small : ct.data }, { gzip: false });
}

function namedPoints(
  files: readonly SitePoints[],
  names: LabelNames,
): { readonly markups: Markup[]; readonly notes: string[] } {
  refuseUnknown(files, names);
  const markups: Markup[] = [];
  let ignored = 0;
  for (const { task, markups: all } of files) {
    let used = 0;
    for (const { label, position } of all) {
      const meaning = meaningOf(names, label);
      const name = pointNames.find((one) => one === meaning);
      if (name === undefined || (task !== null && !tasks[task].labels.includes(name))) {
        ignored += 1;
        continue;
      }
      used += 1;
      markups.push({ label: name, position });
    }
    const expected = task === null ? pointNames : tasks[task].labels;
    if (used === 0) {
      refuseLabel('no_points', 'points', `some of ${expected.join(', ')}`, 'a list without any');
    }
  }
  return { markups, notes: ignored === 0 ? [] : [`${ignored} points are passed over`] };
}

/** All of them at once: whoever fills a table wants to be told once. @throws {DataError} 'bad_label' */
function refuseUnknown(files: readonly SitePoints[], names: LabelNames): void {
  const isKnown = (label: string): boolean => {
    const meaning = meaningOf(names, label);
    const isLandmark = (landmarkNames as readonly string[]).includes(label.toUpperCase());
    return isLandmark || meaning === 'ignore' || pointNames.some((name) => name === meaning);
  };
  const labels = files.flatMap(({ markups }) => markups.map(({ label }) => label));
  const unknown = [...new Set(labels)].filter((label) => !isKnown(label));
  if (unknown.length === 0) return;
  const more = unknown.length > namesToldMax ? ` and ${unknown.length - namesToldMax} more` : '';
  const told = unknown.slice(0, namesToldMax).map(quotedName).join(', ');
  refuseLabel('unknown_name', 'label', `names of ${pointNames.join(', ')}`, `${told}${more}`);
}

function maps(
  masks: readonly SiteMask[],
  ct: Volume,
): { readonly calcium: Uint8Array | null; readonly heart: Uint8Array | null } {
  let calcium: Uint8Array | null = null;
  let heart: Uint8Array | null = null;
  const seen = new Set<string>();
  for (const { meaning, volume } of masks) {
    // A whole map and one of its structures: either would be lost.
    const isMixed = meaning !== 'calc' && heart !== null && (meaning === 'heart' || seen.has('heart')); // prettier-ignore
    if (seen.has(meaning) || isMixed) {
      refuseLabel(
        'label_twice',
        'labels',
        `one map of ${meaning}`,
        'two: take one out of the case',
      );
    }
    seen.add(meaning);
    const map = labelsOn(toRas(volume), ct, meaning === 'calc' ? 1 : heartLabels.length);
    if (meaning === 'calc') calcium = map;
    else if (meaning === 'heart') heart = map;
    else {
      const value = Number(meaning.slice('heart:'.length));
      const whole: Uint8Array = heart ?? new Uint8Array(map.length);
      map.forEach((held, n) => {
        if (held !== 0) whole[n] = value;
      });
      heart = whole;
    }
  }
  return { calcium, heart };
}

/** What a segmentation's name stands for. @throws {DataError} 'bad_label' for one that the table does not have */
export function maskMeaning(names: LabelNames, typed: string): SiteMask['meaning'] | null {
  const meaning = meaningOf(names, typed);
  if (meaning === 'ignore') return null;
  if (meaning !== null && !(pointNames as readonly string[]).includes(meaning)) {
    return meaning as SiteMask['meaning'];
  }
  throw new DataError(
    { code: 'bad_label', rule: 'unknown_name' },
    `label: expected calc, heart, ${heartLabels.join(', ')}, or a name that your table has, got ${quotedName(typed)}`,
  );
}
