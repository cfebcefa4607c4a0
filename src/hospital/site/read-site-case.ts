/**
 * One case of a site, read: which of its files is what, and what comes of them. Runs in a worker, so that volumes never pass the
 * threads.
 */
import {
  DataError,
  decodeNifti,
  decodeNiftiPair,
  decodePoints,
  doubtful,
  labelNames,
  maskMeaning,
  meaningOf,
  niftiBytesMax,
  problemOf,
  readCt,
  readCtPair,
  segmentMasks,
  siteCase,
  siteProblem,
  spacingOf,
  stemOfPoints,
  type CaseProblem,
  type CtFile,
  type DicomSegmentation,
  type LabelNames,
  type NamedSegments,
  type SegmentMasks,
  type SiteCase,
  type SiteMask,
  type SitePoints,
  type TaskId,
  type Volume,
} from '../../data/index.ts';
import { HostError } from '../../host/index.ts';
import type { SiteLook, SiteReading } from './site-look.ts';
import { readSiteDicom, type Candidate } from './site-dicom.ts';
import {
  headerOf,
  isNiftiName,
  isPair,
  niftiStem,
  openFiles,
  Refusal,
  type OpenFile,
} from './site-files.ts';
import type { SourceCase } from './site-sources.ts';

/** What a case's files are. */
interface Sorted {
  readonly cts: readonly Candidate[];
  readonly points: readonly SitePoints[];
  readonly masks: readonly SiteMask[];
  readonly segmentations: readonly DicomSegmentation[];
  readonly notes: readonly string[];
}

/**
 * Reads the case. What is wrong with it is told, not thrown.
 *
 * @throws {HostError} what is no fault of the case, such as a full disk
 */
export async function readSiteCase(
  { files, part }: Pick<SourceCase, 'files' | 'part'>,
  how: SiteReading,
): Promise<{ readonly look: SiteLook; readonly made: SiteCase | null }> {
  let ct: CtFile | null = null;
  const close: (() => Promise<void>)[] = [];
  try {
    const bytesMax = niftiBytesMax(how.reading);
    const all = await openFiles(files, bytesMax, close);
    const only = part?.files == null ? null : new Set(part.files);
    const open = all.filter(({ name }) => only === null || only.has(name));
    const sorted = await sortFiles(open, how);
    const [candidate, ...others] = sorted.cts;
    if (candidate === undefined) {
      const came = files.length === 0 ? 'an empty folder' : 'labels and other files alone';
      throw new Refusal(siteProblem('no_ct', `expected a CT in the case, got ${came}`));
    }
    if (others.length > 0) {
      const text = `expected one CT in a case, got ${sorted.cts.length}`;
      throw new Refusal(siteProblem('several_cts', text));
    }
    ct = await candidate.read();
    const names = labelNames(how.names);
    const drawn = await drawnMasks(sorted.segmentations, candidate, ct, names);
    const masks = [...sorted.masks, ...drawn.masks];
    const made = siteCase({ ...sorted, masks, ct }, names);
    const isDoubted = made.doubts.length > 0 && !how.keepImplausible;
    const problem = isDoubted ? doubtful(made.doubts) : null;
    const doubts = isDoubted ? [] : made.doubts.map(({ text }) => text);
    const notes = [
      ...(part?.notes ?? []),
      ...sorted.notes,
      ...drawn.notes,
      ...made.notes,
      ...doubts,
    ];
    return {
      look: { ...lookOf(ct, problem), labels: made.labels, notes },
      made: isDoubted ? null : made,
    };
  } catch (error) {
    return { look: lookOf(ct, problemFrom(error)), made: null };
  } finally {
    for (const one of close) await one();
  }
}

function lookOf(ct: CtFile | null, problem: CaseProblem | null): SiteLook {
  const state = problem?.state ?? 'ready';
  if (ct === null) {
    const none = { shape: null, spacingMm: null, affine: null, hu: null };
    return { state, problem, labels: [], ...none, notes: [] };
  }
  const { shape, affine, data } = ct.volume;
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  const spacingMm = spacingOf(affine).map((mm) => Math.round(mm * 1000) / 1000);
  return {
    ...{ state, problem, labels: [], shape, spacingMm, notes: [] },
    affine: [...affine],
    hu: { min, max, sum },
  };
}

/** @throws whatever is no fault of the case */
function problemFrom(error: unknown): CaseProblem {
  if (error instanceof Refusal) return error.problem;
  if (error instanceof DataError) return problemOf(error);
  if (!(error instanceof HostError)) throw error;
  // Of one case: a damaged ZIP, a file without rights, a pipe. Not of one: a full disk, too many open files.
  if (error.facts.code === 'bad_cases') {
    return siteProblem('unreadable', error.facts.expected);
  }
  if (error.facts.code === 'disk_denied') return siteProblem('unreadable', 'no permission to read');
  throw error;
}

async function sortFiles(files: readonly OpenFile[], how: SiteReading): Promise<Sorted> {
  const names = labelNames(how.names);
  const points: SitePoints[] = [];
  const masks: SiteMask[] = [];
  const cts: Candidate[] = [];
  const others: OpenFile[] = [];
  for (const file of files) {
    const base = file.name.slice(file.name.lastIndexOf('/') + 1);
    const stem = stemOfPoints(base);
    if (stem !== null) {
      const markups = await named(file, async () => decodePoints(await file.read(), base));
      points.push({ task: taskNamed(stem), markups });
    } else if (isNiftiName(base)) {
      const mask = maskNamed(niftiStem(base), names);
      if (mask === 'ignore') continue;
      if (mask === null) cts.push(niftiCt(() => named(file, () => readCtOf(file, files, how))));
      else {
        const volume = await named(file, () => readMask(file, files, how));
        masks.push({ meaning: mask, volume });
      }
    } else if (headerOf(file, files) === null) others.push(file);
  }
  const dicom = await readSiteDicom(others, how, cts.length > 0);
  return { ...dicom, cts: [...cts, ...dicom.cts], points, masks };
}

function niftiCt(read: Candidate['read']): Candidate {
  return { frameOfReferenceUid: null, seriesInstanceUid: null, read };
}

/** What segmentations hold, on the grid of the CT. */
async function drawnMasks(
  segmentations: readonly DicomSegmentation[],
  { frameOfReferenceUid, seriesInstanceUid }: Candidate,
  { volume: { shape, affine } }: CtFile,
  names: LabelNames,
): Promise<SegmentMasks> {
  const files: NamedSegments[] = [];
  for (const { file, read } of segmentations) files.push({ name: file, file: await read() });
  return segmentMasks(files, { shape, affine, frameOfReferenceUid, seriesInstanceUid }, names);
}

function taskNamed(stem: string): TaskId | null {
  const small = stem.toLowerCase();
  return small === 'hps' || small === 'ms' ? small : null;
}

/** What a NIfTI file is by its name; null for a CT. */
function maskNamed(stem: string, names: LabelNames): SiteMask['meaning'] | 'ignore' | null {
  return meaningOf(names, stem) === null ? null : (maskMeaning(names, stem) ?? 'ignore');
}

async function readCtOf(
  file: OpenFile,
  files: readonly OpenFile[],
  { reading }: SiteReading,
): Promise<CtFile> {
  const image = files.find(({ name }) => isPair(file.name, name));
  return image === undefined
    ? readCt(await file.read(), reading)
    : readCtPair(await file.read(), await image.read(), reading);
}

async function readMask(
  file: OpenFile,
  files: readonly OpenFile[],
  { reading }: SiteReading,
): Promise<Volume> {
  const image = files.find(({ name }) => isPair(file.name, name));
  const { volume } =
    image === undefined
      ? decodeNifti(await file.read(), reading)
      : decodeNiftiPair(await file.read(), await image.read(), reading);
  return volume;
}

/** Tells which file a complaint is about. */
async function named<T>({ name }: OpenFile, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(error.facts, `${name}: ${error.message}`, { cause: error });
  }
}
