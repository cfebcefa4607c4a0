/** What a worker runs that reads a site's own files: nothing that learns is loaded. */
import { hashesOf, readCaseFilesAt, writeCaseFiles, type CaseHashes } from './site-store.ts';
import type { CreateHandlers } from '../pool-messages.ts';
import { readSiteCase } from './read-site-case.ts';
import type { SiteLook, SiteReading } from './site-look.ts';
import { partsOf, type Parted } from './site-parts.ts';
import type { SourceCase, SourceFile } from './site-sources.ts';
import type { CaseSplit } from '../../distill/index.ts';

/** Files that may be of several examinations. */
export interface PartsArgs {
  readonly files: readonly SourceFile[];
  readonly bytesMax: number;
}

/** A case to look at. */
export interface LookArgs {
  readonly files: readonly SourceFile[];
  readonly part: SourceCase['part'];
  readonly how: SiteReading;
}

/** A case to put into a store. */
export interface TakeArgs extends LookArgs {
  readonly folder: string;
  readonly key: Uint8Array;
  readonly split: CaseSplit;
  readonly number: number;
}

/** What came of it. */
export interface Taken {
  readonly look: SiteLook;
  /** Null where nothing was written. */
  readonly hashes: CaseHashes | null;
}

/** A case of a store to hash again. */
export type HashArgs = Pick<TakeArgs, 'folder' | 'key' | 'split' | 'number'>;

/** A handler for each job. */
const createHandlers: CreateHandlers = () => ({
  parts: ({ files, bytesMax }: PartsArgs): Promise<Parted> => partsOf(files, bytesMax),
  look: async ({ how, ...source }: LookArgs): Promise<SiteLook> =>
    (await readSiteCase(source, how)).look,
  take: async ({ how, folder, key, split, number, ...source }: TakeArgs): Promise<Taken> => {
    const { look, made } = await readSiteCase(source, how);
    if (made === null) return { look, hashes: null };
    await writeCaseFiles(folder, { split, number }, made.files);
    return { look, hashes: hashesOf(key, made.files) };
  },
  hash: async ({ folder, key, split, number }: HashArgs): Promise<CaseHashes> =>
    hashesOf(key, await readCaseFilesAt(folder, { split, number })),
});

export default createHandlers;
