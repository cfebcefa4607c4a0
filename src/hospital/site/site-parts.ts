/**
 * The examinations in one export: a ZIP or a folder of a PACS may hold many patients. Each study of a patient is a case; which of
 * its series is the CT is asked later. A label belongs to the study that it names, or to the only one whose files are in its folder or below.
 */
import {
  DataError,
  listExaminations,
  siteProblem,
  stemOfPoints,
  type CaseProblem,
  type Examination,
} from '../../data/index.ts';
import { HostError } from '../../host/index.ts';
import { mayBeLabel } from './site-dicom.ts';
import { headerOf, isNiftiName, openFiles } from './site-files.ts';
import type { SourceFile } from './site-sources.ts';

/** A study in an export. */
export interface SitePart {
  /** Tells it from the others, now and in the next export of the same. */
  readonly id: string;
  /** Tells patients apart; empty where nobody knows. */
  readonly patient: string;
  /** Names of its own files and labels. */
  readonly files: readonly string[];
  /** A line each. */
  readonly notes: readonly string[];
}

/** What an export is. */
export interface Parted {
  /** Two or more; none where the files are of one case. */
  readonly parts: readonly SitePart[];
  readonly problem: CaseProblem | null;
}

const whole: Parted = { parts: [], problem: null };

/** Whether there may be more than one case in these files, by their names. */
export function mayHoldMany(files: readonly SourceFile[]): boolean {
  return files.some(({ name }) => !isNiftiName(name) && stemOfPoints(baseOf(name)) === null);
}

/** The studies in these files. What cannot be read is told when the case is read. */
export async function partsOf(files: readonly SourceFile[], bytesMax: number): Promise<Parted> {
  const close: (() => Promise<void>)[] = [];
  try {
    const open = await openFiles(files, bytesMax, close);
    const isLabel = ({ name }: { readonly name: string }): boolean =>
      stemOfPoints(baseOf(name)) !== null || isNiftiName(name) || mayBeLabel(name);
    const images = open.filter((one) => !isLabel(one) && headerOf(one, open) === null);
    const found = await listExaminations(images);
    const { examinations, foreign, others } = found;
    if (examinations.length < 2) return whole;
    const own = new Map(examinations.map(({ id, files: names }) => [id, [...names]]));
    const labels = open.filter((one) => isLabel(one) || headerOf(one, open) !== null);
    const loose = [...found.loose, ...labels.map(({ name }) => ({ file: name, id: null }))];
    for (const { file, id } of loose) {
      const owner = id ?? ownerOf(file, examinations);
      if (owner === null) {
        const text = `${file}: expected labels beside one CT, got ${examinations.length} examinations around it`;
        return { parts: [], problem: siteProblem('whose_label', text) };
      }
      own.get(owner)?.push(file);
    }
    const left = foreign.length + others.length;
    const aboutLeft = left === 0 ? [] : [`${left} files of the export are of no CT: passed over`];
    const parts = examinations.map(({ id, patient, files: names }, n) => ({
      ...{ id, patient, files: own.get(id) ?? [] },
      notes: [...placeOf(names), ...(n === 0 ? aboutLeft : [])],
    }));
    return { parts, problem: null };
  } catch (error) {
    if (error instanceof DataError || error instanceof HostError) return whole;
    throw error;
  } finally {
    for (const one of close) await one();
  }
}

/** The only examination that has files in the folder of `file`, or else in the next folder around it. */
function ownerOf(file: string, examinations: readonly Examination[]): string | null {
  for (let folder = folderOf(file); ; folder = folderOf(folder.slice(0, -1))) {
    const near = examinations.filter(({ files }) => files.some((name) => name.startsWith(folder)));
    const [first, ...others] = near;
    if (first !== undefined) return others.length === 0 ? first.id : null;
    if (folder === '') return null;
  }
}

/** Where an examination lies, for whoever looks for it. */
function placeOf(files: readonly string[]): string[] {
  const [first = '', last = ''] = [files[0], files.at(-1)];
  let folder = folderOf(first);
  while (!last.startsWith(folder)) folder = folderOf(folder.slice(0, -1));
  return folder === '' ? [`its first file is ${first}`] : [`its files are below ${folder}`];
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/') + 1);
}

function baseOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
