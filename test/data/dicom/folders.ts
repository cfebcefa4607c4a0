/** Folders of DICOM files for tests, and what must come out of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DicomFile, DicomReading, Volume } from '../../../src/data/index.ts';
import { readDicomSeries } from '../../../src/data/index.ts';
import { projectRoot } from '../../project-root.ts';

/** Where the shared images are. */
export const sharedData: string = join(projectRoot, '..', 'shared', 'data');

/** The files of a folder. */
export function filesOf(folder: string): DicomFile[] {
  return readdirSync(folder).map((name) => ({
    name,
    read: () => Promise.resolve(new Uint8Array(readFileSync(join(folder, name)))),
  }));
}

/** Files with the bytes that they have. */
export function filesWith(bytes: ReadonlyMap<string, Uint8Array>): DicomFile[] {
  return [...bytes].map(([name, one]) => ({ name, read: () => Promise.resolve(one) }));
}

/** What is in a folder. */
export function readFolder(folder: string): Promise<DicomReading> {
  return readDicomSeries(filesOf(folder));
}

/** The volume of the one series of a reading. */
export async function onlyVolume({ series, refused }: DicomReading, name: string): Promise<Volume> {
  const problems = refused.map(({ message }) => message).join('; ');
  expect(series.length, `${name}: ${problems}`).equal(1);
  return (await series[0]!.readCt()).volume;
}

/** Sum of all voxels. */
export function sumOf({ data }: Volume): number {
  return data.reduce((sum, value) => sum + value, 0);
}

/** Whether two affines are the same within `within` mm. */
export function expectAffine(
  given: Float64Array,
  wanted: readonly number[],
  within: number,
  name: string,
): void {
  for (const [n, value] of wanted.entries()) {
    expect(given[n], `${name}: affine[${n}]`).closeTo(value, within);
  }
}
