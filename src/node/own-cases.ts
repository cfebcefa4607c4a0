/**
 * A hospital's own folder of cases:
 *
 *     train/<case>/ct.nii.gz, and what experts marked: hps.mrk.json, ms.mrk.json, calc.nii.gz, heart.nii.gz
 *     test/<case>/…
 *
 * It is read and never written to. A name that is not known is refused: a label under a misspelt name would be a label lost.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { caseFileNames, caseFiles, taskIds, type CaseFile, type CaseFiles } from '../data/index.ts';
import type { PhantomHospital, Shelf } from '../distill/index.ts';
import { onDisk } from './disk-error.ts';
import { isAbsent } from './durable-files.ts';
import { NodeError } from './errors.ts';

/** One case as it lies on the disk. */
export interface OwnCaseFolder {
  readonly shelf: Shelf;
  /** `train/<case>`; a name that the hospital gave, so nothing for a log. */
  readonly name: string;
  /** Absolute paths. */
  readonly files: Readonly<Partial<Record<CaseFile, string>>>;
}

/** Larger than any CT of a heart, and as much as Node reads at once. */
const fileBytesMax = 2 ** 31 - 1;
const shelves: readonly Shelf[] = ['train', 'test'];

/**
 * The cases of a folder, those to train on first, each shelf in the order of its names.
 *
 * @throws {NodeError} 'bad_cases' naming what is in the way, 'disk_denied' and the like
 */
export async function listOwnCases(folder: string): Promise<OwnCaseFolder[]> {
  const top = await entriesOf(folder);
  const expected = 'expected the folders train and test, with a folder for each case';
  const stray = top.find((name) => !shelves.includes(name as Shelf));
  if (stray !== undefined) throw bad(join(folder, stray), expected);
  const cases: OwnCaseFolder[] = [];
  for (const shelf of shelves) {
    if (!top.includes(shelf)) continue;
    for (const name of await entriesOf(join(folder, shelf))) {
      const files = await filesOf(join(folder, shelf, name));
      cases.push({ shelf, name: join(shelf, name), files });
    }
  }
  if (!cases.some(({ shelf }) => shelf === 'train')) {
    throw bad(folder, `${expected}; train has none`);
  }
  return cases;
}

/** How many cases of a folder have which label: what a plan is made of. */
export function countOwnCases(cases: readonly OwnCaseFolder[]): PhantomHospital['cases'] {
  const train = cases.filter(({ shelf }) => shelf === 'train');
  const withLabel = (task: CaseFile): number =>
    train.filter(({ files }) => files[task] !== undefined).length;
  const [hps, ms, calc] = [withLabel('hps'), withLabel('ms'), withLabel('calc')];
  return {
    ...{ hps, ms, calc },
    unlabelled: train.length - Math.max(...taskIds.map(withLabel)),
    test: cases.length - train.length,
  };
}

/** @throws {NodeError} 'bad_cases' for a file that is too large, 'disk_denied' and the like */
export async function readCaseFiles({ files }: OwnCaseFolder): Promise<CaseFiles> {
  const read: Partial<Record<CaseFile, Uint8Array>> = {};
  for (const [file, path] of Object.entries(files) as [CaseFile, string][]) {
    read[file] = await onDisk(path, async () => {
      const { size } = await stat(path);
      if (size > fileBytesMax) throw bad(path, `expected at most ${fileBytesMax} bytes`);
      return new Uint8Array(await readFile(path));
    });
  }
  return read;
}

async function filesOf(folder: string): Promise<OwnCaseFolder['files']> {
  const files: Partial<Record<CaseFile, string>> = {};
  for (const name of await entriesOf(folder)) {
    const file = caseFiles.find((one) => caseFileNames[one].includes(name));
    if (file === undefined) {
      const known = caseFiles.map((one) => caseFileNames[one][0]).join(', ');
      throw bad(join(folder, name), `expected ${known}; move other files away`);
    }
    if (files[file] !== undefined) throw bad(folder, `expected one ${file}, got two`);
    files[file] = join(folder, name);
  }
  if (files.ct === undefined) throw bad(folder, 'expected ct.nii.gz or ct.nii in it');
  return files;
}

/** Names of what is in a folder; hidden files are the system's own. */
async function entriesOf(folder: string): Promise<string[]> {
  const names = await onDisk(folder, async () => {
    const facts = await stat(folder).catch((error: unknown) => {
      if (isAbsent(error)) throw bad(folder, 'expected a folder, found nothing');
      throw error;
    });
    if (!facts.isDirectory()) throw bad(folder, 'expected a folder, got a file');
    return readdir(folder);
  });
  return names.filter((name) => !name.startsWith('.')).sort((a, b) => (a < b ? -1 : 1));
}

function bad(path: string, expected: string): NodeError {
  return new NodeError({ code: 'bad_cases', path, expected });
}
