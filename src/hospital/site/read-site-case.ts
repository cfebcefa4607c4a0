/**
 * One case of a site, read: which of its files is what, and what comes of them. Runs in a worker, so that volumes never pass the
 * threads.
 */
import {
  DataError,
  decodeNifti,
  decodeNiftiPair,
  decodePoints,
  dicomProblem,
  doubtful,
  labelNames,
  maskMeaning,
  meaningOf,
  niftiBytesMax,
  problemOf,
  readCt,
  readCtPair,
  readDicomSeries,
  severalSeries,
  siteCase,
  siteProblem,
  spacingOf,
  stemOfPoints,
  type CaseProblem,
  type CaseState,
  type CtFile,
  type DicomFile,
  type DicomSeries,
  type LabelNames,
  type ReadingSettings,
  type SiteCase,
  type SiteMask,
  type SitePoints,
  type TaskId,
  type Volume,
} from '../../data/index.ts';
import { HostError, openFileSet, readRegularFile } from '../../host/index.ts';
import type { SourceFile } from './site-sources.ts';

/** How cases of a site are read. */
export interface SiteReading {
  readonly reading: ReadingSettings;
  /** Lines of the table of names. */
  readonly names: readonly string[];
  /** Of several CT series in a case: refuse it, or take the one with most slices. */
  readonly series: 'ask' | 'largest';
  /** Whether labels that no heart usually has are believed. */
  readonly keepImplausible: boolean;
}

/** What there is to say of a case. */
export interface SiteLook {
  readonly state: CaseState;
  /** Null where it is ready. */
  readonly problem: CaseProblem | null;
  /** Tasks, and `heart`. */
  readonly labels: readonly string[];
  /** Voxels of the CT along [depth, height, width] of its own file; null where it could not be read. */
  readonly shape: readonly number[] | null;
  /** mm of a voxel, as `shape`, to three decimals. */
  readonly spacingMm: readonly number[] | null;
  /** Voxel to RAS mm, of its own file, row by row. */
  readonly affine: readonly number[] | null;
  /** Lowest and highest value, and the sum of all: to compare with another program. */
  readonly hu: { readonly min: number; readonly max: number; readonly sum: number } | null;
  /** Worth a look, a line each. */
  readonly notes: readonly string[];
}

/** A file that can be read. */
interface OpenFile {
  readonly name: string;
  readonly read: () => Promise<Uint8Array>;
}

/** A CT that could be the case's. */
interface Candidate {
  readonly read: () => Promise<CtFile>;
}

/** What a case's files are. */
interface Sorted {
  readonly cts: readonly Candidate[];
  readonly points: readonly SitePoints[];
  readonly masks: readonly SiteMask[];
  readonly notes: readonly string[];
}

/** Says why a case cannot be used. */
class Refusal extends Error {
  readonly problem: CaseProblem;

  constructor(problem: CaseProblem) {
    super(problem.text);
    this.problem = problem;
  }
}

const niftiForm = /\.(nii|nii\.gz|hdr|hdr\.gz)$/i;
const imageForm = /\.img(\.gz)?$/i;
/** What may be labels in a form that is not read here: a case goes nowhere while they might be lost. */
const labelForm = /\.(json|nrrd|nhdr|mha|mhd|mrb|acsv|vtk|vtp|stl|obj|mat|npy|npz|h5)$/i;

/**
 * Reads the case. What is wrong with it is told, not thrown.
 *
 * @throws {HostError} what is no fault of the case, such as a full disk
 */
export async function readSiteCase(
  files: readonly SourceFile[],
  how: SiteReading,
): Promise<{ readonly look: SiteLook; readonly made: SiteCase | null }> {
  let ct: CtFile | null = null;
  const close: (() => Promise<void>)[] = [];
  try {
    const bytesMax = niftiBytesMax(how.reading);
    const open = await openFiles(files, bytesMax, close);
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
    const made = siteCase({ ...sorted, ct }, labelNames(how.names));
    const isDoubted = made.doubts.length > 0 && !how.keepImplausible;
    const problem = isDoubted ? doubtful(made.doubts) : null;
    const doubts = isDoubted ? [] : made.doubts.map(({ text }) => text);
    const notes = [...sorted.notes, ...made.notes, ...doubts];
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

async function openFiles(
  files: readonly SourceFile[],
  bytesMax: number,
  close: (() => Promise<void>)[],
): Promise<OpenFile[]> {
  const open: OpenFile[] = [];
  for (const { name, path } of files) {
    if (/\.zip$/i.test(name)) {
      const set = await openFileSet(path);
      close.push(() => set.close());
      open.push(...set.files);
    } else open.push({ name, read: () => readRegularFile(path, bytesMax) });
  }
  return open;
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
    } else if (niftiForm.test(base)) {
      const mask = maskNamed(base.replace(niftiForm, ''), names);
      if (mask === 'ignore') continue;
      if (mask === null) cts.push({ read: () => named(file, () => readCtOf(file, files, how)) });
      else {
        const volume = await named(file, () => readMask(file, files, how));
        masks.push({ meaning: mask, volume });
      }
    } else if (!imageForm.test(base) || headerOf(file, files) === null) others.push(file);
  }
  const dicom = await readDicom(others, how, cts.length > 0);
  return { cts: [...cts, ...dicom.cts], points, masks, notes: dicom.notes };
}

/** The files that are neither NIfTI nor points: a DICOM series with what a PACS puts beside it, or something unknown. */
async function readDicom(
  files: readonly OpenFile[],
  how: SiteReading,
  hasCt: boolean,
): Promise<Pick<Sorted, 'cts' | 'notes'>> {
  const odd = files.find(({ name }) => labelForm.test(name));
  if (odd !== undefined) throw new Refusal(unknown(odd.name));
  if (files.length === 0) return { cts: [], notes: [] };
  const dicomFiles: DicomFile[] = files.map(({ name, read }) => ({ name, read }));
  const { series, refused, localizerCount, passedOver } = await readDicomSeries(
    dicomFiles,
    how.reading,
  );
  const [first] = refused;
  if (series.length === 0 && first !== undefined) {
    throw new Refusal(dicomProblem(first.rule, first.message));
  }
  const [stray] = passedOver;
  if (series.length === 0 && stray !== undefined) throw new Refusal(unknown(stray));
  if (series.length + Number(hasCt) > 1 && how.series === 'ask') {
    throw new Refusal(severalSeries(series.length + Number(hasCt)));
  }
  const largest = series.reduce<DicomSeries | undefined>(
    (most, one) => (one.slices.length > (most?.slices.length ?? 0) ? one : most),
    undefined,
  );
  const notes = [
    ...(localizerCount > 0 ? [`${localizerCount} localizers are left out`] : []),
    ...refused.map(({ rule }) => `a series is left out: ${rule}`),
    ...(series.length > 1 ? [`the largest of ${series.length} series is taken`] : []),
    ...(passedOver.length > 0 ? [`${passedOver.length} other files are passed over`] : []),
  ];
  return { cts: largest === undefined ? [] : [{ read: () => largest.readCt() }], notes };
}

function unknown(name: string): CaseProblem {
  return siteProblem(
    'unknown_file',
    `${name}: expected a CT (NIfTI, DICOM), points (.mrk.json, .fcsv, .mps, .csv) or label maps (calc, heart: NIfTI)`,
  );
}

function taskNamed(stem: string): TaskId | null {
  const small = stem.toLowerCase();
  return small === 'hps' || small === 'ms' ? small : null;
}

/** What a NIfTI file is by its name; null for a CT. */
function maskNamed(stem: string, names: LabelNames): SiteMask['meaning'] | 'ignore' | null {
  return meaningOf(names, stem) === null ? null : (maskMeaning(names, stem) ?? 'ignore');
}

function headerOf(image: OpenFile, files: readonly OpenFile[]): OpenFile | null {
  return files.find(({ name }) => isPair(name, image.name)) ?? null;
}

function isPair(header: string, image: string): boolean {
  const stem = (name: string): string => name.replace(/\.gz$/i, '').slice(0, -4).toLowerCase();
  return /\.hdr(\.gz)?$/i.test(header) && imageForm.test(image) && stem(header) === stem(image);
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
