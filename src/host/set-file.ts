/** Files of a folder or of a ZIP, as they are handed on. */

/** One of them. */
export interface SetFile {
  /** Path below the folder or inside the ZIP, with forward slashes; from a disk, so escape it before it is printed. */
  readonly name: string;
  /** @throws {HostError} a disk code, 'bad_cases' for a file that is too large or no file any more, or a damaged ZIP */
  readonly read: () => Promise<Uint8Array>;
}

/** Files, in the order of their names, until they are closed. */
export interface FileSet {
  readonly files: readonly SetFile[];
  readonly close: () => Promise<void>;
}
