/** Segments of DICOM SEG files as the label maps of a case: each by its name, under the site's table of names. */
import { layOn, type SegmentTarget } from '../dicom/segment-grid.ts';
import type { SegmentFile } from '../dicom/segment-file.ts';
import { DataError } from '../errors.ts';
import { heartLabels, pointNames } from '../tasks.ts';
import { voxelCount } from '../volume/volume.ts';
import { meaningOf, type LabelNames } from './label-names.ts';
import { quotedName, refuseLabel } from './own-points.ts';
import type { SiteMask } from './site-case.ts';

/** A segmentation, and the file that messages name. */
export interface NamedSegments {
  readonly name: string;
  readonly file: SegmentFile;
}

/** What segments are for a case: at most a map of calcium and one of the heart. */
export interface SegmentMasks {
  readonly masks: readonly SiteMask[];
  /** Worth a look, a line each. */
  readonly notes: readonly string[];
}

/** Names that a message quotes. */
const namesToldMax = 12;

/**
 * The maps of all files, on the grid of the CT. Segments of points, as `predict` writes them, are passed over: points come as lists.
 *
 * @throws {DataError} 'bad_label' unknown_name, label_twice, other_grid; 'dicom' as `layOn`
 */
export function segmentMasks(
  files: readonly NamedSegments[],
  ct: SegmentTarget,
  names: LabelNames,
): SegmentMasks {
  refuseUnknown(files, names);
  const maps = new Map<'calc' | 'heart', Float32Array>();
  const seen = new Set<string>();
  let [points, doubled] = [0, 0];
  for (const { name, file } of files) {
    const layer = about(name, () => layOn(file, ct));
    for (const { number, label } of file.segments) {
      const meaning = meaningOf(names, label) ?? 'ignore';
      if (meaning === 'ignore') continue;
      if ((pointNames as readonly string[]).includes(meaning)) {
        points += 1;
        continue;
      }
      if (seen.has(meaning)) {
        about(name, () => refuseLabel('label_twice', 'segment', `one of ${quotedName(label)}`, 'two')); // prettier-ignore
      }
      seen.add(meaning);
      const kind = meaning === 'calc' ? 'calc' : 'heart';
      const value = kind === 'calc' ? 1 : Number(meaning.slice('heart:'.length));
      const map = maps.get(kind) ?? new Float32Array(voxelCount(ct.shape));
      maps.set(kind, map);
      layer(number, (index) => {
        if (map[index] !== 0) doubled += 1;
        map[index] = value;
      });
    }
  }
  const { shape, affine } = ct;
  const notes = [
    ...(points > 0 ? [`${points} segments of points are passed over: mark them as points`] : []),
    ...(doubled > 0 ? [`${doubled} voxels are in two structures: the later one is taken`] : []),
    ...(ct.frameOfReferenceUid === null && files.length > 0
      ? ['the CT has no frame of reference: segments are held against it by their places alone']
      : []),
  ];
  const masks = [...maps].map(([meaning, data]): SiteMask => {
    return { meaning, volume: { shape, affine, data } };
  });
  return { masks, notes };
}

/** All of them at once: whoever fills a table wants to be told once. A heart as a whole is none of its structures. */
function refuseUnknown(files: readonly NamedSegments[], names: LabelNames): void {
  for (const { name, file } of files) {
    const unknown = file.segments.filter(({ label }) => {
      const meaning = meaningOf(names, label);
      return meaning === null || meaning === 'heart';
    });
    if (unknown.length === 0) continue;
    const more = unknown.length > namesToldMax ? ` and ${unknown.length - namesToldMax} more` : '';
    const told = unknown.slice(0, namesToldMax).map(({ label }) => quotedName(label)).join(', '); // prettier-ignore
    const known = `calc, ${heartLabels.join(', ')}, or a name that your table has`;
    about(name, () => refuseLabel('unknown_name', 'segment', known, `${told}${more}`));
  }
}

function about<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.facts, `${name}: ${error.message}`, { cause: error });
  }
}
