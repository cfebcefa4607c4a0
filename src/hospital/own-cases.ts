/**
 * A hospital's own folder of cases:
 *
 *     train/<case>/ct.nii.gz, and what experts marked: hps.mrk.json, ms.mrk.json, calc.nii.gz, heart.nii.gz
 *     test/<case>/…
 *
 * It is read and never written to. What cannot be a case is named and set aside, and the rest goes on. A file whose name is not
 * known sets its case aside: a label under a misspelt name would be a label lost.
 */
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  caseFileNames,
  caseFiles,
  DataError,
  taskIds,
  type CaseFile,
  type CaseFiles,
} from '../data/index.ts';
import type { PhantomHospital, CaseSplit } from '../distill/index.ts';
import { errnoOf, onDisk, isAbsent, HostError, readRegularFile } from '../host/index.ts';

/** One case as it lies on the disk. */
export interface OwnCaseFolder {
  readonly split: CaseSplit;
  /** `train/<case>`; a name that the hospital gave, so nothing for a log. */
  readonly name: string;
  /** Absolute paths. */
  readonly files: Readonly<Partial<Record<CaseFile, string>>>;
}

/** What is not used, and why. */
export interface SetAside {
  /** `train/<case>`, or what stands in the place of one; from a file system, so escape it before it is printed. */
  readonly name: string;
  readonly problem: string;
}

/** What is in a folder. */
export interface OwnCases {
  readonly cases: readonly OwnCaseFolder[];
  readonly setAside: readonly SetAside[];
  /** How many files and folders there are that systems leave behind. */
  readonly passedOver: number;
}

const splits: readonly CaseSplit[] = ['train', 'test'];
const foldersExpected = 'expected the folders train and test, with a folder for each case';

/** What Windows, macOS and network disks leave behind, in small letters; hidden files beside. */
const leftBehind: ReadonlySet<string> = new Set([
  ...['thumbs.db', 'ehthumbs.db', 'ehthumbs_vista.db', 'desktop.ini', '$recycle.bin'],
  ...['system volume information', '__macosx', 'icon\r', 'network trash folder', 'temporary items'],
  ...['@eadir', '#recycle', 'lost+found'],
]);

/**
 * The cases of a folder, those to train on first, each kind in the order of its names.
 *
 * @throws {HostError} 'bad_cases' when it is no folder or has neither train nor test, 'disk_denied' and the like
 */
export async function listOwnCases(folder: string): Promise<OwnCases> {
  const facts = await onDisk(folder, () =>
    stat(folder).catch((error: unknown) => {
      if (isAbsent(error)) throw bad(folder, 'expected a folder, found nothing');
      throw error;
    }),
  );
  if (!facts.isDirectory()) throw bad(folder, 'expected a folder, got a file');
  const cases: OwnCaseFolder[] = [];
  const setAside: SetAside[] = [];
  const top = await entriesOf(folder);
  let { passedOver } = top;
  if (!splits.some((split) => top.names.includes(split))) throw bad(folder, foldersExpected);
  for (const name of top.names) {
    if (!splits.includes(name as CaseSplit)) setAside.push({ name, problem: foldersExpected });
  }
  for (const split of splits.filter((one) => top.names.includes(one))) {
    const found = await trying(async () => {
      await requireFolder(join(folder, split), foldersExpected);
      return entriesOf(join(folder, split));
    });
    if ('problem' in found) {
      setAside.push({ name: split, ...found });
      continue;
    }
    passedOver += found.made.passedOver;
    for (const caseName of found.made.names) {
      const name = join(split, caseName);
      const one = await trying(() => filesOf(join(folder, name)));
      if ('problem' in one) setAside.push({ name, ...one });
      else {
        passedOver += one.made.passedOver;
        cases.push({ split, name, files: one.made.files });
      }
    }
  }
  return { cases, setAside, passedOver };
}

/** How many cases of a folder have which label: what a plan is made of. */
export function countOwnCases(cases: readonly OwnCaseFolder[]): PhantomHospital['cases'] {
  const train = cases.filter(({ split }) => split === 'train');
  const withLabel = (task: CaseFile): number =>
    train.filter(({ files }) => files[task] !== undefined).length;
  const [hps, ms, calc] = [withLabel('hps'), withLabel('ms'), withLabel('calc')];
  return {
    ...{ hps, ms, calc },
    unlabelled: train.length - Math.max(...taskIds.map(withLabel)),
    test: cases.length - train.length,
  };
}

/** @throws {HostError} 'bad_cases' for a file that is too large or none, 'disk_denied' and the like */
export async function readCaseFiles(
  { files }: OwnCaseFolder,
  bytesMax: number,
): Promise<CaseFiles> {
  const read: Partial<Record<CaseFile, Uint8Array>> = {};
  for (const [file, path] of Object.entries(files) as [CaseFile, string][]) {
    read[file] = await readRegularFile(path, bytesMax);
  }
  return read;
}

/**
 * What `work` makes of one case, or what is wrong with the case: no reason to leave the others.
 *
 * @throws whatever is no fault of the case
 */
export async function trying<T>(
  work: () => Promise<T>,
): Promise<{ readonly made: T } | { readonly problem: string }> {
  try {
    return { made: await work() };
  } catch (error) {
    if (error instanceof DataError) return { problem: error.message };
    if (!(error instanceof HostError)) throw error;
    const isOfOne = ['bad_cases', 'disk_denied', 'disk_failed'].includes(error.facts.code);
    if (isOfOne) return { problem: error.message };
    throw error;
  }
}

async function filesOf(
  folder: string,
): Promise<{ readonly files: OwnCaseFolder['files']; readonly passedOver: number }> {
  await requireFolder(folder, 'expected a folder for each case');
  const files: Partial<Record<CaseFile, string>> = {};
  const { names, passedOver } = await entriesOf(folder);
  for (const name of names) {
    const path = join(folder, name);
    // Systems that do not tell capitals from small letters change them at will.
    const file = caseFiles.find((one) => caseFileNames[one].includes(name.toLowerCase()));
    if (file === undefined) {
      const known = caseFiles.map((one) => caseFileNames[one][0]).join(', ');
      throw bad(path, `expected ${known}; rename it, or move it out of the case`);
    }
    if (files[file] !== undefined) throw bad(path, `expected one file of ${file}, got two`);
    const facts = await factsOf(path);
    if (!facts.isFile()) throw bad(path, `expected a file, got ${kindOf(facts)}`);
    files[file] = path;
  }
  if (files.ct === undefined) throw bad(folder, 'expected ct.nii.gz or ct.nii in it');
  return { files, passedOver };
}

async function requireFolder(path: string, expected: string): Promise<void> {
  const facts = await factsOf(path);
  if (!facts.isDirectory()) throw bad(path, `${expected}, got ${kindOf(facts)}`);
}

/** Of what is there, or of what a link leads to. */
async function factsOf(path: string): Promise<Stats> {
  return onDisk(path, () =>
    stat(path).catch((error: unknown) => {
      if (isAbsent(error)) throw bad(path, 'expected a file or a folder, got a link to nothing');
      if (errnoOf(error) === 'ELOOP') throw bad(path, 'expected a file or a folder, got a circle of links'); // prettier-ignore
      throw error;
    }),
  );
}

function kindOf(facts: Stats): string {
  if (facts.isFile()) return 'a file';
  if (facts.isDirectory()) return 'a folder';
  if (facts.isFIFO()) return 'a pipe';
  return facts.isSocket() ? 'a socket' : 'a device';
}

/** Names of what is in a folder, sorted, without what systems leave behind. */
export async function entriesOf(
  folder: string,
): Promise<{ readonly names: readonly string[]; readonly passedOver: number }> {
  const all = await onDisk(folder, () => readdir(folder));
  const names = all.filter((name) => !name.startsWith('.') && !leftBehind.has(name.toLowerCase()));
  names.sort((a, b) => (a < b ? -1 : 1));
  return { names, passedOver: all.length - names.length };
}

function bad(path: string, expected: string): HostError {
  return new HostError({ code: 'bad_cases', path, expected });
}
