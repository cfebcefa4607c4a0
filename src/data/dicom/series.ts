/**
 * CT series out of DICOM files: which there are, what is wrong with those that cannot be used, and their voxels in HU.
 *
 *     const { series, refused } = await readDicomSeries(files);
 *     const { volume, notes } = await series[0].readCt();
 *
 * Files are read twice and one at a time, first for their headers and then for their pixels, so that a folder may be larger
 * than memory.
 */
import { createHash } from 'node:crypto';
import { DataError } from '../errors.ts';
import type { CtFile } from '../own/ct.ts';
import { readingDefaults, type ReadingSettings } from '../settings.ts';
import type { Vector3 } from '../volume/vector.ts';
import type { Geometry } from '../volume/volume.ts';
import type { FrameFacts, Orientation } from './frames.ts';
import { named, stackOf } from './geometry.ts';
import {
  readInstance,
  type CarriedAttributes,
  type FoundFile,
  type Instance,
  type SeriesName,
} from './instance.ts';
import { breaks } from './refusal.ts';
import type { DicomRule } from './rules.ts';
import type { SegmentFile } from './segment-file.ts';
import { readVoxels } from './voxels.ts';

/** A file that may hold an image. */
export interface DicomFile {
  /** As the user knows it, such as a path below the folder that was given: it stands in messages. */
  readonly name: string;
  /** All of its bytes; called up to twice. */
  readonly read: () => Promise<Uint8Array>;
}

/** Where a slice of the volume came from: what a DICOM SEG refers to. */
export interface SourceSlice {
  readonly file: string;
  /** Empty where the file has none. */
  readonly sopClassUid: string;
  /** Empty where the file has none. */
  readonly sopInstanceUid: string;
  /** The frame of a multi-frame file, from 1; null in a file of one slice. */
  readonly frame: number | null;
  /** ImagePositionPatient: the centre of the first voxel, LPS mm. */
  readonly position: Vector3;
}

/** A series that can be used. */
export interface DicomSeries {
  /** `ct-` and eight hexadecimal digits that follow from the SeriesInstanceUID: the same for the same series everywhere. */
  readonly key: string;
  /** Grid of the volume: i along a row of pixels, j along a column, k along the normal, upwards. */
  readonly geometry: Geometry;
  /** One for each k, in the order of k. */
  readonly slices: readonly SourceSlice[];
  /** ImageOrientationPatient: direction of a row of pixels and of a column, LPS. */
  readonly orientation: Orientation;
  /** PixelSpacing: between rows and between columns, mm. */
  readonly pixelSpacingMm: readonly [number, number];
  readonly sliceThicknessMm: number | null;
  /** Null where the files have none, as when names were emptied. */
  readonly studyInstanceUid: string | null;
  /** Null as above. */
  readonly seriesInstanceUid: string | null;
  /** Null as above. */
  readonly frameOfReferenceUid: string | null;
  readonly carried: CarriedAttributes;
  /** Nothing wrong for certain, but worth a look; a line each, without anything about the patient. */
  readonly notes: readonly string[];
  /**
   * The voxels. `notes` of the result has those of the series too.
   *
   * @throws {DataError} 'dicom' when the pixels of a file are damaged; as `readCt` of a NIfTI file
   */
  readonly readCt: () => Promise<CtFile>;
}

/** Labels as a DICOM SEG. */
export interface DicomSegmentation {
  readonly file: string;
  readonly name: SeriesName;
  /** Of the images that it was drawn on; empty where it does not say. */
  readonly sourceSeriesUids: readonly string[];
  /** All of it; the file is read once more. @throws {DataError} 'dicom' file_damaged when it is another now */
  readonly read: () => Promise<SegmentFile>;
}

/** A series, or a file of no known series, that is not used. */
export interface RefusedSeries {
  /** As of a series that can be used; null for a file that does not tell its series. */
  readonly key: string | null;
  readonly rule: DicomRule;
  /** The files that break the rule; of a rule about all slices, all. */
  readonly files: readonly string[];
  /** Number of files of the series. */
  readonly fileCount: number;
  /** Which file, what was expected, what came and how to mend it; in one line, without anything about the patient. */
  readonly message: string;
  /** Whether it holds labels, which must not be lost. */
  readonly isLabel: boolean;
}

/** What is in a folder. */
export interface DicomReading {
  /** In the order of their keys. */
  readonly series: readonly DicomSeries[];
  readonly refused: readonly RefusedSeries[];
  /** Labels, in the order of the files. */
  readonly segmentations: readonly DicomSegmentation[];
  /** Localizers (scouts), which no volume is made of. */
  readonly localizerCount: number;
  /** Files that are no DICOM images: a DICOMDIR, a report, a viewer's program. */
  readonly passedOver: readonly string[];
}

type RefusedFile = FoundFile & { readonly kind: 'refused' };

/** Files of one series. */
interface Group {
  readonly name: SeriesName;
  readonly folders: Set<string>;
  readonly instances: Instance[];
  readonly refused: { readonly file: string; readonly found: RefusedFile }[];
}

/** A slice, and the file that it is in. */
type Slice = FrameFacts & { readonly file: string; readonly instance: Instance };

/** What is in these files. Throws nothing for what a file holds, but whatever `read` of a file throws. */
export async function readDicomSeries(
  files: readonly DicomFile[],
  reading: ReadingSettings = readingDefaults,
): Promise<DicomReading> {
  const groups = new Map<string, Group>();
  const strays: { readonly file: string; readonly found: RefusedFile }[] = [];
  const passedOver: string[] = [];
  const segmentations: DicomSegmentation[] = [];
  let localizerCount = 0;
  for (const one of files) {
    const file = one.name;
    const found = readInstance(file, await one.read());
    if (found.kind === 'localizer') localizerCount += 1;
    else if (found.kind === 'other') passedOver.push(file);
    else if (found.kind === 'segmentation') {
      const { sourceSeriesUids } = found.segments;
      segmentations.push({ file, name: found.name, sourceSeriesUids, read: () => segmentsAgain(one) }); // prettier-ignore
    } else if (found.kind === 'image') {
      groupOf(groups, file, found.instance.name).instances.push(found.instance);
    } else if (found.name !== null) {
      groupOf(groups, file, found.name).refused.push({ file, found });
    } else strays.push({ file, found });
  }
  const opener = new Map(files.map((one) => [one.name, one]));
  const series: DicomSeries[] = [];
  const refused: RefusedSeries[] = strays.map(({ file, found }) => ({
    ...{ key: null, rule: found.rule, files: [file], fileCount: 1, message: found.message },
    isLabel: found.isLabel,
  }));
  for (const group of groups.values()) {
    const key = keyOf(group);
    const beside = strays.filter(({ file }) => group.folders.has(folderOf(file)));
    const made = seriesOf(group, key, beside, opener, reading);
    if ('rule' in made) refused.push(made);
    else series.push(made);
  }
  series.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { series, refused, segmentations, localizerCount, passedOver };
}

async function segmentsAgain({ name, read }: DicomFile): Promise<SegmentFile> {
  const found = readInstance(name, await read());
  if (found.kind === 'segmentation') return found.segments;
  throw breaks('file_damaged', `${name}: expected the file as it was before, it has changed`);
}

function groupOf(groups: Map<string, Group>, file: string, name: SeriesName): Group {
  const folder = folderOf(file);
  const { seriesInstanceUid, studyInstanceUid, seriesNumber } = name;
  const id = seriesInstanceUid ?? `\n${[folder, studyInstanceUid, seriesNumber].join('\n')}`;
  const group = groups.get(id) ?? { name, folders: new Set(), instances: [], refused: [] };
  groups.set(id, group);
  group.folders.add(folder);
  return group;
}

/** The series of a group, or the rule that it breaks. @param beside files of the same folders that do not tell their series */
function seriesOf(
  group: Group,
  key: string,
  beside: readonly { readonly file: string; readonly found: RefusedFile }[],
  opener: ReadonlyMap<string, DicomFile>,
  reading: ReadingSettings,
): DicomSeries | RefusedSeries {
  const { instances } = group;
  const fileCount = instances.length + group.refused.length;
  const refusal = (rule: DicomRule, files: readonly string[], message: string): RefusedSeries => ({
    ...{ key, rule, files, fileCount, message },
    isLabel: group.refused.some(({ found }) => found.isLabel),
  });
  const bad = group.refused.length > 0 ? group.refused : beside;
  const [one] = bad;
  if (one !== undefined) {
    const alike = bad.filter(({ found }) => found.rule === one.found.rule);
    const more = alike.length === 1 ? '' : `; so are ${alike.length - 1} more files`;
    const files = alike.map(({ file }) => file);
    return refusal(one.found.rule, files, `${one.found.message}${more}`);
  }
  try {
    checkTogether(instances);
    const slices = instances.flatMap((instance) =>
      instance.frames.map((frame): Slice => ({ ...frame, file: instance.file, instance })),
    );
    checkCopies(slices);
    return madeOf(group, key, slices, opener, reading);
  } catch (error) {
    if (!(error instanceof DataError) || error.facts.code !== 'dicom') throw error;
    const files = instances.map(({ file }) => file).filter((file) => error.message.includes(file));
    return refusal(error.facts.rule, files, error.message);
  }
}

function madeOf(
  group: Group,
  key: string,
  all: readonly Slice[],
  opener: ReadonlyMap<string, DicomFile>,
  reading: ReadingSettings,
): DicomSeries {
  const { slices, affine, notes: aboutGrid } = stackOf(all);
  const [first] = slices;
  if (first === undefined) throw breaks('one_slice', 'expected slices, there are none');
  const { rows, columns } = first.instance.format;
  const voxels = slices.length * rows * columns;
  if (voxels > reading.voxelsMax) {
    const size = `${columns} x ${rows} x ${slices.length}`;
    throw breaks('too_large', `expected at most ${reading.voxelsMax} voxels, got ${size}`);
  }
  const geometry: Geometry = { shape: [slices.length, rows, columns], affine };
  const notes = [...aboutGrid, ...notesOn(group, slices)];
  const read = (file: string): Promise<Uint8Array> =>
    opener.get(file)?.read() ?? Promise.resolve(new Uint8Array(0));
  return {
    ...{ key, geometry, notes },
    slices: slices.map(({ file, instance, frame, position }) => {
      const { sopClassUid, sopInstanceUid } = instance;
      return { file, sopClassUid, sopInstanceUid, frame, position };
    }),
    orientation: first.orientation,
    pixelSpacingMm: first.pixelSpacing,
    sliceThicknessMm: first.thicknessMm,
    studyInstanceUid: group.name.studyInstanceUid,
    seriesInstanceUid: group.name.seriesInstanceUid,
    frameOfReferenceUid: group.name.frameOfReferenceUid,
    carried: first.instance.carried,
    readCt: () => readVoxels(geometry, slices, read, notes),
  };
}

/** Whether the files are of one examination and size. @throws {DataError} 'dicom' mixed_study, mixed_size */
function checkTogether(instances: readonly Instance[]): void {
  for (const uid of ['studyInstanceUid', 'frameOfReferenceUid'] as const) {
    const others = unusual(instances, ({ name }) => name[uid] ?? '');
    if (others.length === 0) continue;
    const keyword = uid === 'studyInstanceUid' ? 'StudyInstanceUID' : 'FrameOfReferenceUID';
    throw breaks(
      'mixed_study',
      `${named(others)}: ${keyword}: expected the same in all files, got others`,
    );
  }
  const sizeOf = ({ format }: Instance): string => `${format.rows} x ${format.columns}`;
  const others = unusual(instances, sizeOf);
  const [other] = others;
  if (other === undefined) return;
  const usual = instances.find((one) => !others.includes(one)) ?? other;
  throw breaks(
    'mixed_size',
    `${named(others)}: Rows, Columns: expected ${sizeOf(usual)} as in most files, got ${sizeOf(other)}`,
  );
}

/** Those that differ from what most have. */
function unusual(instances: readonly Instance[], of: (one: Instance) => string): Instance[] {
  const counts = new Map<string, number>();
  for (const one of instances) counts.set(of(one), (counts.get(of(one)) ?? 0) + 1);
  const [usual] = [...counts].reduce((most, entry) => (entry[1] > most[1] ? entry : most), ['', 0]);
  return instances.filter((one) => of(one) !== usual);
}

/** @throws {DataError} 'dicom' duplicate_slices when one image is there twice */
function checkCopies(slices: readonly Slice[]): void {
  const seen = new Map<string, Slice>();
  for (const slice of slices) {
    const { sopInstanceUid } = slice.instance;
    if (sopInstanceUid === '') continue;
    const id = `${sopInstanceUid} ${slice.frame}`;
    const other = seen.get(id);
    seen.set(id, slice);
    if (other === undefined) continue;
    const both = named([other, slice]);
    throw breaks(
      'duplicate_slices',
      `${both}: SOPInstanceUID: expected each image once, got it twice`,
    );
  }
}

function notesOn({ name, instances }: Group, slices: readonly Slice[]): string[] {
  const notes: string[] = [];
  if (name.seriesInstanceUid === null) {
    notes.push('no SeriesInstanceUID: all slices of one folder without one are taken as a series');
  }
  if (instances.some(({ isLossy }) => isLossy)) {
    notes.push('compressed with loss: values may differ from what was scanned');
  }
  const distances = new Set(slices.map(({ thicknessMm }) => thicknessMm ?? 0));
  if (distances.size > 1)
    notes.push('SliceThickness differs between slices: distances are taken from their places');
  return notes;
}

function keyOf({ name, instances, refused }: Group): string {
  const names = [...instances.map((one) => one.sopInstanceUid), ...refused.map(({ file }) => file)];
  const source = name.seriesInstanceUid ?? names.sort().join('\n');
  return `ct-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`;
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf('/') + 1);
}
