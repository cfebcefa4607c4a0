/** A CT that was named on the command line: a NIfTI file, or DICOM files in a folder or a ZIP. */
import { open, stat } from 'node:fs/promises';
import type { DicomReading, DicomSeries, ReadingSettings } from '../../data/index.ts';
import { openFileSet } from '../../host/index.ts';
import type { NamedFile, NamedSeries } from '../../prediction/index.ts';
import { usageError } from '../errors.ts';
import { readInput } from '../files.ts';

/** How an input is read. */
export interface ImageOptions {
  /** Key of the series to take; null where there is one. */
  readonly series: string | null;
  readonly reading: ReadingSettings;
  /** Largest NIfTI file. */
  readonly bytesMax: number;
}

/** A CT, whose files are open until it is closed. */
export interface OpenImage {
  readonly image: NamedFile | NamedSeries;
  readonly close: () => Promise<void>;
}

/** What lies at a path, told by content. @throws {CliError} 'usage'; as `openFileSet` */
export async function openImage(path: string, options: ImageOptions): Promise<OpenImage> {
  const facts = await stat(path).catch(() => null);
  if (facts === null) throw usageError(`${path}: no such file or folder`);
  if (!facts.isDirectory() && !(facts.isFile() && (await isDicom(path)))) {
    if (options.series !== null) {
      throw usageError(`${path}: --series is of DICOM files, and this is none; leave it out`);
    }
    const bytes = await readInput(path, options.bytesMax);
    return { image: { bytes, name: path }, close: () => Promise.resolve() };
  }
  const set = await openFileSet(path);
  try {
    const { readDicomSeries } = await import('../../data/index.ts');
    const found = await readDicomSeries(set.files, options.reading);
    return { image: { name: path, series: chosen(path, found, options.series) }, close: set.close };
  } catch (error) {
    await set.close();
    throw error;
  }
}

/** Whether it is a DICOM file (PS3.10 7.1) or a ZIP, which may hold many. */
async function isDicom(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(132), 0, 132, 0);
    const text = buffer.toString('latin1');
    return text.endsWith('DICM') || text.startsWith('PK\x03\x04');
  } finally {
    await file.close();
  }
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
