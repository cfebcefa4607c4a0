/**
 * The versions of the manifest along a log that is being verified: each MEMBER names the next one by its hash, the file beside
 * the log must be that very one, and it must follow the one before it.
 */
import { equalBytes, messageOf, type Digest } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import {
  changeBetween,
  encodeCanonical,
  membershipOf,
  restartBlock,
  restartRefusal,
  verifySuccessor,
  type BlockBody,
  type Membership,
  type SignedManifest,
} from '../wire/index.ts';
import { LogVersions, manifestNameOf, policyNameOf } from './log-versions.ts';
import { policyFile } from './policy.ts';
import { decisionName } from './log-files.ts';
import type { Report } from './verdict.ts';

/** What a block without votes goes on from. */
export interface LogSoFar {
  /** The block before it; null when that cannot be read. */
  readonly last: BlockBody | null;
  /** The model of the last SEAL. */
  readonly model: Digest | null;
}

/** Folds the blocks in order of height. */
export class VersionReader {
  readonly versions: LogVersions;
  readonly #read: (name: string) => Promise<Uint8Array | null>;
  readonly #report: Report;
  #brokenBy: string | null = null;

  constructor(
    genesis: SignedManifest,
    read: (name: string) => Promise<Uint8Array | null>,
    report: Report,
  ) {
    this.versions = new LogVersions(genesis);
    this.#read = read;
    this.#report = report;
  }

  /** The file without which it is not known who decides from here on; null while it is known. */
  get brokenBy(): string | null {
    return this.#brokenBy;
  }

  /**
   * Takes the MEMBER of a block, if it has one.
   *
   * @param unvoted what a block that nobody voted for goes on from: only a restart has none; null when a quorum voted
   * @returns the version in force from the next height on, or null
   */
  async take(body: BlockBody, unvoted: LogSoFar | null = null): Promise<SignedManifest | null> {
    const change = membershipOf(body);
    if (change === null) return null;
    const where = `${decisionName(body.h)} MEMBER`;
    if (body.ops.length > 1) this.#report.find(where, 'it does not stand alone in its block');
    const followed = await this.#next(change);
    const refusal = typeof followed === 'string' ? null : orderRefusal(followed, body, unvoted);
    const next = refusal ?? followed;
    if (typeof next === 'string') {
      this.#brokenBy = manifestNameOf(change.version);
      this.#report.find(
        this.#brokenBy,
        `${next}; nobody can say whose votes count from height ${body.h + 1} on`,
      );
      return null;
    }
    const before = this.versions.inForce;
    this.versions.add(next, { size: body.log.size, height: body.h });
    await this.#checkPolicy(next);
    this.#report.note(noteOf(before, next, body.h + 1));
    return next;
  }

  /** The version that a MEMBER puts in force, or why it cannot be. */
  async #next({ version, manifest: named }: Membership): Promise<SignedManifest | string> {
    const previous = this.versions.inForce;
    if (version !== previous.manifest.version + 1) {
      return `version ${version} cannot follow version ${previous.manifest.version}`;
    }
    const bytes = await this.#read(manifestNameOf(version));
    if (bytes === null) return 'the file is missing';
    if (digestOf(bytes) !== named) return 'it is not the manifest that its MEMBER block names';
    try {
      return verifySuccessor(previous, bytes);
    } catch (error) {
      return `it does not follow version ${version - 1}: ${messageOf(error)}`;
    }
  }

  async #checkPolicy(next: SignedManifest): Promise<void> {
    const name = policyNameOf(next.manifest.version);
    const policy = await this.#read(name);
    if (policy === null) this.#report.find(name, 'the file is missing');
    else if (!equalBytes(policy, policyFile(next))) {
      this.#report.find(name, 'not what the manifest makes it');
    }
  }
}

/** Why a version was not put in force as its kind is: by votes, or as a restart by the organisations' signatures alone. */
function orderRefusal(
  { manifest, bytes }: SignedManifest,
  body: BlockBody,
  unvoted: LogSoFar | null,
): string | null {
  const { restart, version } = manifest;
  if (unvoted === null) {
    return restart === undefined ? null : 'it is a restart, and its block carries votes';
  }
  if (restart === undefined) return 'nobody voted for its block, and it is no restart';
  const { last, model } = unvoted;
  if (last === null) return 'it is a restart, and the block before it cannot be read';
  const refusal = restartRefusal(restart, last, model);
  if (refusal !== null) return `it is no restart of this log: ${refusal}`;
  const expected = restartBlock(last, version, bytes, () => body.log.root);
  if (equalBytes(encodeCanonical(body), encodeCanonical(expected))) return null;
  return 'its block is not the one that the restart makes';
}

/** `version 1 of the manifest is in force from height 5 on: joined L5`. */
function noteOf(before: SignedManifest, next: SignedManifest, height: number): string {
  const { joined, left, renewed, rerooted, isPlanChanged, areLimitsChanged } = changeBetween(
    before.manifest,
    next.manifest,
  );
  const lists = Object.entries({
    joined,
    left,
    'other node keys, addresses or labels of': renewed,
    'another organisation key of': rerooted,
  }).flatMap(([what, ids]) => (ids.length === 0 ? [] : [`${what} ${ids.join(' ')}`]));
  const others = [
    ...(next.manifest.restart === undefined
      ? []
      : ["RESTART by the organisations' signatures, without votes"]),
    ...(isPlanChanged ? ['another plan'] : []),
    ...(areLimitsChanged ? ['other limits'] : []),
  ];
  const what = [...lists, ...others].join('; ') || 'nothing changed';
  return `version ${next.manifest.version} of the manifest is in force from height ${height} on: ${what}`;
}
