/**
 * The versions of the manifest that a log goes by, and from which tree on each is in force. A MEMBER block names the
 * next one by its hash; the file `manifest-<version>.json` beside the log holds it, and `policy-<version>` is what it makes.
 */
import { equalBytes, invariant, type Store } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import {
  limits,
  membershipOf,
  WireError,
  type BlockBody,
  type Membership,
  type SignedManifest,
  type SuccessorCheck,
} from '../wire/index.ts';
import { decisionName, decodeDecision, logPrefix, manifestName, policyName } from './log-files.ts';
import { policyFile } from './policy.ts';
import { corruptLog, readLogFile } from './stored-tree.ts';

/** Where a version of the manifest lies; the genesis in `manifest.json`. */
export function manifestNameOf(version: number): string {
  return version === 0 ? manifestName : `manifest-${version}.json`;
}

/** Where the trust policy of a version lies; of the genesis in `policy`. */
export function policyNameOf(version: number): string {
  return version === 0 ? policyName : `policy-${version}`;
}

/** The versions of the manifest along a log, oldest first. */
export class LogVersions {
  readonly #all: SignedManifest[];
  /** By version, the size of the tree from which on it is in force. */
  readonly #fromSize: number[] = [0];
  /** By version, the height whose block put it in force. */
  readonly #heights: number[] = [0];

  constructor(genesis: SignedManifest) {
    this.#all = [genesis];
  }

  /** By number, from the genesis to the one in force. */
  get all(): readonly SignedManifest[] {
    return this.#all;
  }

  /** The one in force after the last block. */
  get inForce(): SignedManifest {
    return this.at(Infinity);
  }

  /**
   * The one whose members vouch for the tree of `size`: that in force after its last block, so that the first to
   * cosign a change are those who come of it.
   */
  at(size: number): SignedManifest {
    const later = this.#fromSize.findIndex((from) => from > size);
    const found = this.#all[later < 0 ? this.#all.length - 1 : later - 1];
    invariant(found !== undefined, 'the genesis is in force from the beginning');
    return found;
  }

  /** The height whose block put a version in force, 0 for the genesis; null for a version to come. */
  heightOf(version: number): number | null {
    return this.#heights[version] ?? null;
  }

  /** Adds the next version, which the block of `height`, that ends the tree of `size`, put in force. */
  add(next: SignedManifest, { size, height }: { size: number; height: number }): void {
    invariant(next.manifest.version === this.#all.length, 'versions are added in order');
    this.#all.push(next);
    this.#fromSize.push(size);
    this.#heights.push(height);
  }
}

/** Reads the versions that the blocks of a store's log have put in force. @throws {AuditError} 'corrupt_log' */
export async function loadVersions(
  store: Store,
  genesis: SignedManifest,
  height: number,
  check: SuccessorCheck,
): Promise<LogVersions> {
  const versions = new LogVersions(genesis);
  await writeOnce(store, policyName, policyFile(genesis));
  const last = height === 0 ? null : await bodyAt(store, height);
  const count = last === null ? 0 : (membershipOf(last)?.version ?? last.e);
  for (let version = 1; version <= count; version++) {
    const { change, ...place } = await changeTo(store, version, height);
    const bytes = await readLogFile(store, manifestNameOf(version));
    versions.add(successorOf(versions.inForce, change, bytes, check), place);
    await writeOnce(store, policyNameOf(version), policyFile(versions.inForce));
  }
  // A crash before the block of a version was written leaves its files.
  for (const name of [manifestNameOf(count + 1), policyNameOf(count + 1)]) {
    if (await store.has(logPrefix + name)) await store.remove(logPrefix + name);
  }
  return versions;
}

/** Writes the files of the next version, before the block that puts it in force. */
export async function writeVersion(store: Store, next: SignedManifest): Promise<void> {
  const { version } = next.manifest;
  await store.write(logPrefix + manifestNameOf(version), next.bytes);
  await store.write(logPrefix + policyNameOf(version), policyFile(next));
}

/** Writes a file of the log, or compares it with the one that is there. @throws {AuditError} 'corrupt_log' */
export async function writeOnce(store: Store, name: string, bytes: Uint8Array): Promise<void> {
  const held = await store.read(logPrefix + name);
  if (held === null) await store.write(logPrefix + name, bytes);
  else if (!equalBytes(held, bytes)) throw corruptLog(name, 'the file of this consortium');
}

function successorOf(
  previous: SignedManifest,
  { manifest: named, version }: Membership,
  bytes: Uint8Array,
  check: SuccessorCheck,
): SignedManifest {
  const name = manifestNameOf(version);
  if (bytes.byteLength > limits.manifestBytesMax || digestOf(bytes) !== named) {
    throw corruptLog(name, 'the file that its MEMBER block names');
  }
  try {
    return check(previous, bytes);
  } catch (error) {
    if (error instanceof WireError) throw corruptLog(name, 'the version after the one before it');
    throw error;
  }
}

/** The MEMBER of a version: at the last height of the epoch before, which is found by halving. */
async function changeTo(
  store: Store,
  version: number,
  heightMax: number,
): Promise<{ readonly change: Membership; readonly size: number; readonly height: number }> {
  let [low, high] = [1, heightMax];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await bodyAt(store, middle)).e < version) low = middle;
    else high = middle - 1;
  }
  const { ops, log } = await bodyAt(store, low);
  const change = membershipOf({ ops });
  if (change?.version === version) return { change, size: log.size, height: low };
  throw corruptLog(decisionName(low), `the MEMBER of version ${version}`);
}

async function bodyAt(store: Store, height: number): Promise<BlockBody> {
  return decodeDecision(await readLogFile(store, decisionName(height))).body;
}
