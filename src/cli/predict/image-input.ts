/** A CT that was named on the command line: a NIfTI file, or DICOM files in a folder. */
import { open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { DicomFile, DicomReading, DicomSeries, ReadingSettings } from '../../data/index.ts';
import type { NamedFile, NamedSeries } from '../../prediction/index.ts';
import { usageError } from '../errors.ts';
import { readInput } from '../files.ts';

/** How an input is read. */
export interface ImageOptions {
  /** Key of the series to take; null where there is one. */
  readonly series: string | null;
  readonly reading: ReadingSettings;
  /** Largest file. */
  readonly bytesMax: number;
}

/** A folder of DICOM files has thousands; a home directory given by mistake has more. */
const filesMax = 20_000;

/** What lies at a path, told by content. @throws {CliError} 'usage' */
export async function readImage(
  path: string,
  options: ImageOptions,
): Promise<NamedFile | NamedSeries> {
  const facts = await stat(path).catch(() => null);
  if (facts === null) throw usageError(`${path}: no such file or folder`);
  const isFolder = facts.isDirectory();
  if (!isFolder && !(facts.isFile() && (await isDicom(path)))) {
    if (options.series !== null) {
      throw usageError(`${path}: --series is of DICOM files, and this is none; leave it out`);
    }
    return { bytes: await readInput(path, options.bytesMax), name: path };
  }
  const files = isFolder ? await filesBelow(path, options.bytesMax) : [fileAt(path, path, options.bytesMax)]; // prettier-ignore
  const { readDicomSeries } = await import('../../data/index.ts');
  const found = await readDicomSeries(files, options.reading);
  return { name: path, series: chosen(path, found, options.series) };
}

/** Whether it has DICOM's mark (PS3.10 7.1). */
async function isDicom(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(132), 0, 132, 0);
    return bytesRead === 132 && buffer.toString('latin1', 128) === 'DICM';
  } finally {
    await file.close();
  }
}

function fileAt(path: string, name: string, bytesMax: number): DicomFile {
  return { name, read: () => readInput(path, bytesMax) };
}

/** All files below a folder, hidden ones left out, in the order of their names. */
async function filesBelow(folder: string, bytesMax: number): Promise<DicomFile[]> {
  const files: DicomFile[] = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const entries = await readdir(next, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.')) continue;
      const path = join(next, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) files.push(fileAt(path, relative(folder, path), bytesMax));
      if (files.length > filesMax) {
        throw usageError(`${folder}: expected one study of at most ${filesMax} files, got more`);
      }
    }
  }
  return files;
}

/** @throws {CliError} 'usage' that says which series there are, and what is wrong with the others */
function chosen(path: string, { series, refused }: DicomReading, key: string | null): DicomSeries {
  const wrong = refused.find((one) => key === null || one.key === key);
  const fitting = series.filter((one) => key === null || one.key === key);
  const [first, ...others] = fitting;
  if (first !== undefined && others.length === 0) return first;
  const keys = series
    .map(({ key: name, slices }) => `${name} (${slices.length} slices)`)
    .join(', ');
  if (first !== undefined) {
    throw usageError(`${path}: expected one series, got ${fitting.length}: ${keys}; name one with --series`); // prettier-ignore
  }
  if (wrong !== undefined) throw usageError(`${path}: ${wrong.message}`);
  const there = keys === '' ? 'expected a CT series as DICOM, got none' : `expected a key of ${keys}, got another`; // prettier-ignore
  throw usageError(`${path}: ${there}`);
}
