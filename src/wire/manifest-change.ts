/**
 * How one version of the manifest follows another. Two locks, as in TUF: the members' offline org keys authorise a change
 * here; consensus then orders it by a MEMBER operation. docs/specs/manifest.md, "Later versions"
 */
import type { NodeId } from '../base/index.ts';
import { digestOf, verifyRaw, type VerifyBytes } from '../crypto/index.ts';
import { encodeCanonical } from './canonical.ts';
import { isSignedBy, keyIdOf } from './dsse.ts';
import { malformed, WireError } from './errors.ts';
import {
  keyBytes,
  memberOf,
  openManifest,
  readManifest,
  type Manifest,
  type Member,
  type OpenedManifest,
  type SignedManifest,
} from './manifest.ts';
import { quorumOf } from './quorum.ts';
import type { Reader } from './readers.ts';

/** What is other in the later of two versions. Lists are ascending. */
export interface ManifestChange {
  /** Members of the later one alone. */
  readonly joined: readonly NodeId[];
  /** Members of the earlier one alone. */
  readonly left: readonly NodeId[];
  /** Members with another org key. */
  readonly rerooted: readonly NodeId[];
  /** Members with the same org key, but other keys of the node, addresses or labels. */
  readonly renewed: readonly NodeId[];
  /** Whether the plan differs. */
  readonly isPlanChanged: boolean;
  /** Whether the limits differ. */
  readonly areLimitsChanged: boolean;
}

/** Signatures that one version of a manifest needs. */
export interface Approval {
  /** Each group must reach its own number. */
  readonly groups: readonly {
    /** For people: `all members`, `members before`, `members after`, `itself`. */
    readonly who: string;
    readonly signed: readonly NodeId[];
    readonly missing: readonly NodeId[];
    readonly needed: number;
  }[];
  /** Whether every group has its number. */
  readonly isEnough: boolean;
}

/** How a manifest is read and its signatures are checked; a simulation has other keys. */
export interface ManifestChecks {
  readonly read: Reader<Manifest>;
  readonly verify: VerifyBytes;
}

/** As `verifySuccessor`, which it is but in a simulation. */
export type SuccessorCheck = (previous: SignedManifest, bytes: Uint8Array) => SignedManifest;

const systemChecks: ManifestChecks = { read: readManifest, verify: verifyRaw };

/** The version after `previous` with nothing changed yet: neither signed nor worth a signature. */
export function nextOf({
  manifest,
  digest,
}: Pick<SignedManifest, 'manifest' | 'digest'>): Manifest {
  const { version, name, domain, members, plan, limits } = manifest;
  return { version: version + 1, prev: digest, name, domain, members, plan, limits };
}

/** What `next` changes. */
export function changeBetween(previous: Manifest, next: Manifest): ManifestChange {
  const both = next.members.flatMap((member) => {
    const before = memberOf(previous, member.id);
    return before === null ? [] : [{ id: member.id, before, after: member }];
  });
  const isRerooted = (pair: (typeof both)[0]): boolean => pair.before.orgKey !== pair.after.orgKey;
  return {
    joined: next.members.map(({ id }) => id).filter((id) => memberOf(previous, id) === null),
    left: previous.members.map(({ id }) => id).filter((id) => memberOf(next, id) === null),
    rerooted: both.filter(isRerooted).map(({ id }) => id),
    renewed: both
      .filter((pair) => !isRerooted(pair) && !isSame(pair.before, pair.after))
      .map(({ id }) => id),
    isPlanChanged: !isSame(previous.plan, next.plan),
    areLimitsChanged: !isSame(previous.limits, next.limits),
  };
}

/**
 * The one member whose own business a change is: it renews its node's keys, addresses or labels under the same org key,
 * and nothing else differs. Null for every other change.
 */
export function renewedAlone(change: ManifestChange): NodeId | null {
  const { joined, left, rerooted, renewed, isPlanChanged, areLimitsChanged } = change;
  const isOther = joined.length + left.length + rerooted.length > 0;
  if (isOther || isPlanChanged || areLimitsChanged || renewed.length !== 1) return null;
  return renewed[0] ?? null;
}

/**
 * Who signed a version, and who must. The genesis: all its members. A renewal of one member: that member. Any other: T of
 * the members before and T of those after, T = floor(2m/3)+1, and everybody whose org key is new; a restart is no renewal.
 *
 * @param previous null for a genesis
 */
export function approvalOf(
  previous: Manifest | null,
  opened: OpenedManifest,
  verify: VerifyBytes = verifyRaw,
): Approval {
  const { envelope, payload, manifest } = opened;
  const group = (
    who: string,
    members: readonly Member[],
    needed: number,
  ): Approval['groups'][number] => {
    const isOf = ({ orgKey }: Member): boolean =>
      isSignedBy(envelope, payload, keyBytes(orgKey), verify);
    const signed = members.filter(isOf).map(({ id }) => id);
    const missing = members.map(({ id }) => id).filter((id) => !signed.includes(id));
    return { who, signed, missing, needed };
  };
  const groups = ((): Approval['groups'] => {
    const { members } = manifest;
    if (previous === null) return [group('all members', members, members.length)];
    const change = changeBetween(previous, manifest);
    // A restart takes the votes of all who are away: never one member's own business.
    const alone = manifest.restart === undefined ? renewedAlone(change) : null;
    const of = (ids: readonly NodeId[]): Member[] => members.filter(({ id }) => ids.includes(id));
    if (alone !== null) return [group('itself', of([alone]), 1)];
    const fresh = of([...change.joined, ...change.rerooted]);
    return [
      group('members before', previous.members, quorumOf(previous.members.length)),
      group('members after', members, quorumOf(members.length)),
      ...(fresh.length === 0 ? [] : [group('new org keys', fresh, fresh.length)]),
    ];
  })();
  return { groups, isEnough: groups.every(({ signed, needed }) => signed.length >= needed) };
}

/**
 * Opens the version that follows `previous`.
 *
 * @throws {WireError} 'too_large'; 'malformed' when it is no next version of this consortium; 'bad_signature' when not enough
 * members signed, or somebody who need not
 */
export function verifySuccessor(
  previous: SignedManifest,
  bytes: Uint8Array,
  { read, verify }: ManifestChecks = systemChecks,
): SignedManifest {
  const opened = openManifest(bytes, read);
  const { payload, manifest } = opened;
  const before = previous.manifest;
  if (manifest.version !== before.version + 1) {
    throw malformed('$.version', `${before.version + 1}, the version after the one in force`);
  }
  if (manifest.prev !== previous.digest) {
    throw malformed('$.prev', 'the digest of the version in force');
  }
  if (manifest.name !== before.name) throw malformed('$.name', 'the name of the genesis');
  if (manifest.domain !== before.domain) throw malformed('$.domain', 'the domain of the genesis');
  const digest = digestOf(payload);
  checkSignatures(before, opened, verify);
  const short = approvalOf(before, opened, verify).groups.find((group) => {
    return group.signed.length < group.needed;
  });
  if (short !== undefined) {
    const { who, needed, missing } = short;
    throw new WireError(
      { code: 'bad_signature', path: '$.signatures' },
      `version ${manifest.version} is signed by ${short.signed.length} of the ${needed} needed (${who}); not by ${missing.join(', ')}`,
    );
  }
  return { manifest, cid: previous.cid, digest, bytes };
}

function isSame(one: object, other: object): boolean {
  return digestOf(encodeCanonical(one)) === digestOf(encodeCanonical(other));
}

/**
 * Refuses a version that somebody signed who is no member of it or of the one before, or signed twice, or wrongly.
 *
 * @param previous null for a genesis
 * @throws {WireError} 'malformed' or 'bad_signature'
 */
export function checkSignatures(
  previous: Manifest | null,
  opened: OpenedManifest,
  verify: VerifyBytes = verifyRaw,
): void {
  const { envelope, payload, manifest } = opened;
  const known = new Map(
    [...(previous?.members ?? []), ...manifest.members].map(({ orgKey }) => {
      const key = keyBytes(orgKey);
      return [keyIdOf(key), key];
    }),
  );
  const signed = new Set<string>();
  for (const { keyid } of envelope.signatures) {
    const key = known.get(keyid);
    if (signed.has(keyid)) throw malformed('$.signatures', 'one signature of each key');
    if (key === undefined) throw malformed('$.signatures', 'signatures of members only');
    signed.add(keyid);
    if (isSignedBy(envelope, payload, key, verify)) continue;
    throw new WireError({ code: 'bad_signature', path: '$.signatures' }, 'a signature is wrong');
  }
}
