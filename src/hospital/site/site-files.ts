/** The files of one case, open to be read, and why a case cannot be used. */
import { siteProblem, type CaseProblem } from '../../data/index.ts';
import { openFileSet, readRegularFile } from '../../host/index.ts';
import type { SourceFile } from './site-sources.ts';

/** A file that can be read. */
export interface OpenFile {
  readonly name: string;
  readonly read: () => Promise<Uint8Array>;
}

/** Says why a case cannot be used. */
export class Refusal extends Error {
  readonly problem: CaseProblem;

  constructor(problem: CaseProblem) {
    super(problem.text);
    this.problem = problem;
  }
}

const niftiForm = /\.(nii|nii\.gz|hdr|hdr\.gz)$/i;
const imageForm = /\.img(\.gz)?$/i;
const zipForm = /\.zip$/i;

/**
 * Opens files, those in a ZIP one by one. Of several files in a case, the name of a ZIP stands before the names in it.
 *
 * @param close gets what has to be called when all is read
 * @throws {HostError} 'bad_cases' for a damaged ZIP; a disk code
 */
export async function openFiles(
  files: readonly SourceFile[],
  bytesMax: number,
  close: (() => Promise<void>)[],
): Promise<OpenFile[]> {
  const open: OpenFile[] = [];
  for (const { name, path } of files) {
    if (!zipForm.test(name)) {
      open.push({ name, read: () => readRegularFile(path, bytesMax) });
      continue;
    }
    const set = await openFileSet(path);
    close.push(() => set.close());
    const before = files.length === 1 ? '' : `${name}/`;
    open.push(...set.files.map((one) => ({ name: `${before}${one.name}`, read: one.read })));
  }
  return open;
}

/** Whether a file is NIfTI by its name: of both files of a pair, the header. */
export function isNiftiName(name: string): boolean {
  return niftiForm.test(name);
}

/** The name of a NIfTI file without its ending. */
export function niftiStem(name: string): string {
  return name.replace(niftiForm, '');
}

/** The header whose image a file is; null for any other file. */
export function headerOf(image: OpenFile, files: readonly OpenFile[]): OpenFile | null {
  if (!imageForm.test(image.name)) return null;
  return files.find(({ name }) => isPair(name, image.name)) ?? null;
}

/** Whether `image` is the .img of `header`. */
export function isPair(header: string, image: string): boolean {
  const stem = (name: string): string => name.replace(/\.gz$/i, '').slice(0, -4).toLowerCase();
  return /\.hdr(\.gz)?$/i.test(header) && imageForm.test(image) && stem(header) === stem(image);
}

/** A file that is nothing a case is made of. */
export function unknownFile(name: string): CaseProblem {
  return siteProblem(
    'unknown_file',
    `${name}: expected a CT (NIfTI, DICOM), points (.mrk.json, .fcsv, .mps, .csv) or label maps (calc, heart: NIfTI, DICOM SEG)`,
  );
}
