/**
 * What a site brings: a folder with a folder, a ZIP or a NIfTI file for each case, with `train` and `test` around them or not;
 * or one case alone. Only names, sizes and times are looked at here, so that a second look at thousands of files is quick.
 */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { siteProblem, type CaseProblem } from '../../data/index.ts';
import type { CaseSplit } from '../../distill/index.ts';
import { HostError, isAbsent, onDisk } from '../../host/index.ts';
import { entriesOf } from '../own-cases.ts';

/** A file of a case as it lies on the disk. */
export interface SourceFile {
  /** Below the case, with forward slashes. */
  readonly name: string;
  readonly path: string;
  readonly byteCount: number;
  readonly changedMs: number;
}

/** One examination of those in a ZIP or a folder. */
export interface SourcePart {
  /** Name of the ZIP or folder. */
  readonly of: string;
  /** A hash that tells it from the others in there. */
  readonly id: string;
  /** A hash that tells patients apart; empty where nobody knows. */
  readonly patient: string;
  /** Which of the files are its own; null where it is as at the last import and need not be read. */
  readonly files: readonly string[] | null;
  /** Where it lies, for the hospital's own screen. */
  readonly notes: readonly string[];
}

/** A case before it is read. */
export interface SourceCase {
  /** `train/a17`, or `a17` where nobody says what is held out: the hospital's own name, nothing for a log. */
  readonly name: string;
  /** Null where nobody says. */
  readonly split: CaseSplit | null;
  /** A ZIP is one file. */
  readonly files: readonly SourceFile[];
  /** Of a file or folder with several examinations in it: which one this is; else null. */
  readonly part: SourcePart | null;
  /** Why it is none; null when it can be looked at. */
  readonly problem: CaseProblem | null;
}

/** What is there. */
export interface Sources {
  /** Absolute. */
  readonly root: string;
  /** Those to train on first, each kind in the order of its names. */
  readonly cases: readonly SourceCase[];
  /** How many files there are that systems leave behind. */
  readonly passedOver: number;
}

const depthMax = 12;
const filesMax = 200_000;
const splits: readonly CaseSplit[] = ['train', 'test'];
const niftiForm = /\.(nii|nii\.gz|hdr|hdr\.gz)$/i;
const imageForm = /\.img(\.gz)?$/i;

/** Entries of one folder. */
interface Listing {
  readonly folders: readonly string[];
  readonly files: readonly string[];
  readonly passedOver: number;
}

/** @throws {HostError} 'bad_cases' when nothing is there or far too much is, a disk code */
export async function listSources(path: string): Promise<Sources> {
  const root = resolve(path);
  const facts = await factsOf(root);
  if (facts === null) throw bad(root, 'expected a folder or a file, found nothing');
  if (facts.isFile()) {
    const files = [await fileAt(root, basename(root))];
    return { root, cases: [{ name: basename(root), split: null, files, part: null, problem: null }], passedOver: 0 }; // prettier-ignore
  }
  const walk = new Walk();
  const top = await walk.list(root);
  if (!splits.some((split) => top.folders.includes(split))) {
    const cases = await walk.casesIn(root, top, null);
    return { root, cases, passedOver: walk.passedOver };
  }
  const cases: SourceCase[] = [];
  for (const split of splits.filter((one) => top.folders.includes(one))) {
    const folder = join(root, split);
    cases.push(...(await walk.casesIn(folder, await walk.list(folder), split)));
  }
  for (const name of [...top.folders, ...top.files]) {
    if (splits.includes(name as CaseSplit)) continue;
    const text = 'expected only train and test beside one another, with a folder for each case';
    cases.push({
      name,
      split: null,
      files: [],
      part: null,
      problem: siteProblem('unknown_file', text),
    });
  }
  return { root, cases, passedOver: walk.passedOver };
}

/** What tells whether a case's files are as they were: names, sizes, times. */
export function stampOf({ files }: SourceCase): string {
  return files.map((file) => `${file.name}:${file.byteCount}:${file.changedMs}`).join('\n');
}

/** One walk through a source, counting what it meets. */
class Walk {
  passedOver = 0;
  #files = 0;

  async list(folder: string): Promise<Listing> {
    const { names, passedOver } = await entriesOf(folder);
    this.passedOver += passedOver;
    const folders: string[] = [];
    const files: string[] = [];
    for (const name of names) {
      const facts = await factsOf(join(folder, name));
      if (facts?.isDirectory() === true) folders.push(name);
      else files.push(name);
    }
    return { folders, files, passedOver };
  }

  /** A case for each folder, ZIP and NIfTI file; or one of all, where the files are those of a single case. */
  async casesIn(
    folder: string,
    { folders, files }: Listing,
    split: CaseSplit | null,
  ): Promise<SourceCase[]> {
    const isAlone = (name: string): boolean =>
      /\.zip$/i.test(name) || niftiForm.test(name) || imageForm.test(name);
    const isMedia = files.some((name) => name.toUpperCase() === 'DICOMDIR');
    const isOne = isMedia || (folders.length === 0 && files.some((name) => !isAlone(name)));
    if (split === null && isOne) {
      const all = await this.filesBelow(folder, '');
      return [{ name: basename(folder), split, files: all, part: null, problem: null }];
    }
    const at = (name: string): string => (split === null ? name : `${split}/${name}`);
    const cases: SourceCase[] = [];
    for (const name of folders) {
      const below = await this.filesBelow(join(folder, name), '');
      cases.push({ name: at(name), split, files: below, part: null, problem: null });
    }
    for (const name of files) {
      if (!isAlone(name)) {
        const text =
          'expected a folder, a ZIP or a NIfTI file for each case; labels lie in the folder of their case';
        cases.push({ name: at(name), split, files: [], part: null, problem: siteProblem('unknown_file', text) }); // prettier-ignore
      } else if (!imageForm.test(name) || !files.some((one) => isPair(one, name))) {
        const pair = files.filter((one) => one === name || isPair(name, one));
        const own = await Promise.all(pair.map((one) => fileAt(join(folder, one), one)));
        cases.push({ name: at(name), split, files: own, part: null, problem: null });
      }
    }
    return cases.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async filesBelow(folder: string, below: string, depth = 0): Promise<SourceFile[]> {
    if (depth > depthMax) throw bad(folder, `expected at most ${depthMax} folders in one another`);
    const { folders, files } = await this.list(folder);
    const found: SourceFile[] = [];
    for (const name of files) {
      this.#files += 1;
      if (this.#files > filesMax) throw bad(folder, `expected at most ${filesMax} files`);
      found.push(await fileAt(join(folder, name), `${below}${name}`));
    }
    for (const name of folders) {
      found.push(...(await this.filesBelow(join(folder, name), `${below}${name}/`, depth + 1)));
    }
    return found;
  }
}

/** Whether `image` is the .img of `header`. */
function isPair(header: string, image: string): boolean {
  const stem = (name: string): string => name.replace(/\.gz$/i, '').slice(0, -4).toLowerCase();
  const isHeader = /\.hdr(\.gz)?$/i.test(header);
  return isHeader && imageForm.test(image) && stem(header) === stem(image);
}

async function fileAt(path: string, name: string): Promise<SourceFile> {
  const facts = await factsOf(path);
  // A link to nothing, a pipe or a device is told of when the case is read.
  return { name, path, byteCount: facts?.size ?? 0, changedMs: facts?.mtimeMs ?? 0 };
}

async function factsOf(path: string): Promise<Stats | null> {
  return onDisk(path, () =>
    stat(path).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    }),
  );
}

function bad(path: string, expected: string): HostError {
  return new HostError({ code: 'bad_cases', path, expected });
}
