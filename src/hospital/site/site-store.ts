/**
 * What a site keeps of the cases it imported: `train/case-0001` and so on with pixels, places and labels alone (own-cases.md), and
 * beside them `.annulus/cases.json`, which knows each source again by keyed hashes. Names of the source, its paths and its
 * identifiers are in no file.
 */
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { fromUtf8, hex, utf8, type Digest, type Store } from '../../base/index.ts';
import { MerkleTree, hashLeaf } from '../../audit/index.ts';
import { hmacSha256, systemSealing } from '../../crypto/index.ts';
import { caseFileNames, caseFiles, type CaseFile, type CaseFiles } from '../../data/index.ts';
import type { CaseSplit } from '../../distill/index.ts';
import {
  diskStore,
  HostError,
  onDisk,
  readKeyFile,
  replacePrivateFolder,
  writeKeyFile,
  isAbsent,
  readRegularFile,
} from '../../host/index.ts';

/** A case of the store, or one that waits outside of it until it is mended. */
export interface StoredCase {
  /** From 1, in the order of the source's names; it stays for good. */
  readonly number: number;
  readonly split: CaseSplit;
  /** Keyed hash of where it came from. */
  readonly source: string;
  /** Keyed hash of its files' names, sizes and times, and of how they are read. */
  readonly stamp: string;
  /** `due`: begun and not ended, as after a crash. */
  readonly state: 'ready' | 'ask' | 'quarantined' | 'due';
  /** Null where it is ready. */
  readonly rule: string | null;
  /** Keyed hash of the CT; null where it is not ready. */
  readonly study: string | null;
  /** Keyed hash of the CT and all labels; null as `study`. */
  readonly content: string | null;
  readonly labels: readonly string[];
  /** Voxels along [depth, height, width]. */
  readonly shape: readonly number[] | null;
  readonly spacingMm: readonly number[] | null;
}

/** A source in which several examinations were found. */
export interface PartedSource {
  /** Keyed hash of where it is. */
  readonly source: string;
  /** As of a case. */
  readonly stamp: string;
  /** Keyed hashes of each examination and of its patient. */
  readonly parts: readonly { readonly id: string; readonly patient: string }[];
}

interface Index {
  readonly format: typeof format;
  readonly next: number;
  readonly cases: readonly StoredCase[];
  /** Absent in a store that was made before there were any. */
  readonly parted?: readonly PartedSource[];
}

const format = 'annulus-site/1';
const indexName = 'cases.json';
const innerFolder = '.annulus';
const keyName = 'site.key';

/** Names under which each kind is kept: CTs unpacked, since they are read often. */
const keptNames: Readonly<Record<CaseFile, string>> = {
  ct: 'ct.nii',
  hps: 'hps.mrk.json',
  ms: 'ms.mrk.json',
  calc: 'calc.nii.gz',
  heart: 'heart.nii.gz',
};

/** The two hashes of a case under a site's key. */
export interface CaseHashes {
  readonly study: string;
  readonly content: string;
}

/** See the file's header. */
export class SiteStore {
  readonly folder: string;
  readonly key: Uint8Array;
  readonly #store: Store;
  readonly #cases: Map<number, StoredCase>;
  readonly #parted: Map<string, PartedSource>;
  #next: number;

  private constructor(folder: string, key: Uint8Array, index: Index) {
    this.folder = folder;
    this.key = key;
    this.#store = diskStore(join(folder, innerFolder));
    this.#cases = new Map(index.cases.map((one) => [one.number, one]));
    this.#parted = new Map((index.parted ?? []).map((one) => [one.source, one]));
    this.#next = index.next;
  }

  /**
   * @param key of the site; null for the store's own, which is made with it
   * @throws {HostError} 'bad_cases' for an index that is none; a disk code
   */
  static async open(folder: string, key: Uint8Array | null): Promise<SiteStore> {
    const index = await readIndex(folder);
    return new SiteStore(folder, key ?? (await ownKey(folder)), index);
  }

  /** Whether something was imported into the folder. */
  static async isAt(folder: string): Promise<boolean> {
    return diskStore(join(folder, innerFolder)).has(indexName);
  }

  /** By number. */
  get cases(): StoredCase[] {
    return [...this.#cases.values()].sort((a, b) => a.number - b.number);
  }

  hash(about: string, text: string): string {
    return hex(hmacSha256(this.key, utf8(`annulus/${about}/${text}`)));
  }

  takeNumber(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  put(one: StoredCase): void {
    this.#cases.set(one.number, one);
  }

  /** What was found in a source; null where it is one case, or was never looked at. */
  partedAt(source: string): PartedSource | null {
    return this.#parted.get(source) ?? null;
  }

  putParted(one: PartedSource): void {
    this.#parted.set(one.source, one);
  }

  /** Whether a case is as it was left at the last import of files with this stamp. */
  async isSettled(one: StoredCase | null, stamp: string): Promise<boolean> {
    if (one?.stamp !== stamp || one.state === 'due') return false;
    return one.state !== 'ready' || this.hasFiles(one);
  }

  drop(number: number): void {
    this.#cases.delete(number);
  }

  /** Makes what was put and dropped durable. */
  async save(): Promise<void> {
    const index: Index = {
      ...{ format, next: this.#next, cases: this.cases },
      ...(this.#parted.size === 0 ? {} : { parted: [...this.#parted.values()] }),
    };
    await this.#store.write(indexName, utf8(`${JSON.stringify(index, null, 1)}\n`));
  }

  /** Whether the files of a ready case are there. */
  async hasFiles({ split, number }: Pick<StoredCase, 'split' | 'number'>): Promise<boolean> {
    return diskStore(join(this.folder, split, caseName(number))).has(keptNames.ct);
  }

  async removeFiles({ split, number }: Pick<StoredCase, 'split' | 'number'>): Promise<void> {
    const path = join(this.folder, split, caseName(number));
    await onDisk(path, () => rm(path, { recursive: true, force: true }));
  }
}

/** `case-0007`: what a case is called in the store and outside of the hospital's own names. */
export function caseName(number: number): string {
  return `case-${String(number).padStart(4, '0')}`;
}

/** Puts the files of a case in place, all at once, in a folder of their owner's alone. */
export async function writeCaseFiles(
  folder: string,
  { split, number }: Pick<StoredCase, 'split' | 'number'>,
  files: CaseFiles,
): Promise<void> {
  const named = caseFiles.flatMap((file): [string, Uint8Array][] => {
    const bytes = files[file];
    return bytes === undefined ? [] : [[keptNames[file], bytes]];
  });
  await replacePrivateFolder(join(folder, split, caseName(number)), new Map(named));
}

/** The files of a case as they are kept. @throws {HostError} a disk code */
export async function readCaseFilesAt(
  folder: string,
  { split, number }: Pick<StoredCase, 'split' | 'number'>,
): Promise<CaseFiles> {
  const files: Partial<Record<CaseFile, Uint8Array>> = {};
  for (const file of caseFiles) {
    for (const name of caseFileNames[file]) {
      const bytes = await bytesAt(join(folder, split, caseName(number), name));
      if (bytes !== null) files[file] = bytes;
    }
  }
  return files;
}

/** HMAC-SHA-256 under the site's key: of the CT, and of all files' kinds and HMACs in their order. */
export function hashesOf(key: Uint8Array, files: CaseFiles): CaseHashes {
  const lines = caseFiles.flatMap((file) => {
    const bytes = files[file];
    return bytes === undefined ? [] : [`${file} ${hex(hmacSha256(key, bytes))}\n`];
  });
  return {
    study: hex(hmacSha256(key, files.ct ?? new Uint8Array(0))),
    content: hex(hmacSha256(key, utf8(lines.join('')))),
  };
}

/** Merkle root over the hashes of cases, sorted: the same whatever they are called and in which order they came. */
export function contentRoot(contents: readonly string[]): Digest {
  const tree = new MerkleTree();
  for (const content of [...contents].sort()) tree.append(hashLeaf(utf8(content)));
  return hex(tree.root()) as Digest;
}

async function bytesAt(path: string): Promise<Uint8Array | null> {
  try {
    return await readRegularFile(path, Number.MAX_SAFE_INTEGER);
  } catch (error) {
    if (error instanceof HostError && isAbsent(error.cause)) return null;
    throw error;
  }
}

async function readIndex(folder: string): Promise<Index> {
  const bytes = await diskStore(join(folder, innerFolder)).read(indexName);
  if (bytes === null) return { format, next: 1, cases: [] };
  try {
    const index = JSON.parse(fromUtf8(bytes)) as Partial<Index> | null;
    const isWhole = index?.format === format && Array.isArray(index.cases);
    if (isWhole && typeof index.next === 'number') return index as Index;
  } catch {
    // Told below.
  }
  const path = join(folder, innerFolder, indexName);
  const expected = 'expected what annulus data import wrote; move the file away, and import again';
  throw new HostError({ code: 'bad_cases', path, expected });
}

async function ownKey(folder: string): Promise<Uint8Array> {
  const path = join(folder, innerFolder, keyName);
  try {
    return await readKeyFile(path);
  } catch (error) {
    if (!(error instanceof HostError && isAbsent(error.cause))) throw error;
  }
  const key = systemSealing.randomBytes(32);
  await writeKeyFile(path, key);
  return key;
}
