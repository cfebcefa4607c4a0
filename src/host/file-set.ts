/** The files of a folder, of a ZIP, or one alone, to be read one at a time: a folder of DICOM files, the export of a PACS. */
import { HostError } from './errors.ts';

/** One of them. */
export interface SetFile {
  /** Path below the folder or inside the ZIP, with forward slashes; from a disk, so escape it before it is printed. */
  readonly name: string;
  readonly byteCount: number;
  /** @throws {HostError} a disk code, 'bad_cases' for a file that is not what it was or a damaged ZIP */
  readonly read: () => Promise<Uint8Array>;
}

/** Files, in the order of their names, until they are closed. */
export interface FileSet {
  readonly files: readonly SetFile[];
  readonly close: () => Promise<void>;
}

/**
 * What is at `path`: all files below a folder but hidden ones, the entries of a ZIP (told by content), or a single file.
 *
 * @throws {HostError} 'bad_cases' for what is none of them or has too much in it, a disk code
 */
export function openFileSet(path: string): Promise<FileSet> {
  return Promise.reject(
    new HostError({ code: 'bad_cases', path, expected: 'folders of DICOM are not read yet' }),
  );
}
