/**
 * Offline verification of everything in a log directory, from the manifest's signatures to the last byte of
 * the last tile. Needs no key and no network: what is trusted is the manifest, whose digest (the consortium's
 * id) the auditor compares with one from another source.
 */
import { equalBytes, messageOf, type Digest } from '../base/index.ts';
import {
  encodeCanonical,
  genesisEpoch,
  membershipOf,
  quorumOf,
  unvoted,
  verifyManifest,
  type BlockBody,
  type SignedManifest,
} from '../wire/index.ts';
import {
  checkpointName,
  decisionName,
  heightOfName,
  manifestName,
  nextCheckpointName,
  policyName,
  tileNames,
  type Decision,
} from './log-files.ts';
import { DecisionFiles } from './decision-files.ts';
import { logOrigin, policyFile } from './policy.ts';
import { tileWidth } from './tiles.ts';
import { manifestNameOf, policyNameOf, type LogVersions } from './log-versions.ts';
import { Suspensions } from './suspensions.ts';
import { Report, type LogVerdict, type RoundRecord } from './verdict.ts';
import { entryTitles, followChain, verifyDecision } from './verify-chain.ts';
import { verifyHead, type VerifiedHead } from './verify-heads.ts';
import { VersionReader } from './verify-versions.ts';
import { LeafHashes } from './leaf-hashes.ts';
import { SoundEntries } from './sound-entries.ts';
import { verifyTree, type SignedRoot } from './verify-tree.ts';

/** The files under `log/` of a node, or of a copy on an auditor's disk. */
export interface LogDirectory {
  /** `null` when absent. Names as `list` gives them. */
  read(name: string): Promise<Uint8Array | null>;
  /** All file names, relative to the directory, with `/`. */
  list(): Promise<string[]>;
}

/** What the auditor knows from elsewhere. */
export interface VerifyLogOptions {
  /** The consortium's id; a log of another is a finding. */
  readonly consortium?: Digest;
}

/** Heads of the directory, as far as they can be trusted. */
interface HeadPair {
  readonly cosigned: VerifiedHead | null;
  readonly next: VerifiedHead | null;
}

/** A verdict, and what it was made of, for who checks more than one log. */
export interface ExaminedLog {
  readonly verdict: LogVerdict;
  /** The version of the manifest in force after the last block; `null` when the genesis cannot be read. */
  readonly consortium: SignedManifest | null;
  /** All versions, by number. */
  readonly versions: readonly SignedManifest[];
  /** Blocks that a quorum signed, ascending in height; a height may be missing. */
  readonly bodies: readonly BlockBody[];
  /** As far as they are sound. */
  readonly entries: SoundEntries;
}

/** Checks every file; never throws on their contents. */
export async function verifyLogDirectory(
  directory: LogDirectory,
  options: VerifyLogOptions = {},
): Promise<LogVerdict> {
  return (await examineLog(directory, options)).verdict;
}

/** As `verifyLogDirectory`. */
export async function examineLog(
  directory: LogDirectory,
  options: VerifyLogOptions = {},
): Promise<ExaminedLog> {
  const report = new Report();
  const names = await directory.list();
  const genesis = await readGenesis(directory, options, report);
  if (genesis === null) {
    const verdict = verdictOf(report, null, nothing, 0, []);
    return { verdict, consortium: null, versions: [], bodies: [], entries: noEntries };
  }
  const read = await readDecisions(directory, names, genesis, report);
  return read.brokenBy === null
    ? examineTree(directory, names, read, report)
    : await untilBroken(read, read.brokenBy, report);
}

const noEntries = new SoundEntries(() => Promise.resolve(null), new LeafHashes());

/** Behind a version of the manifest that is not here nobody can say whose votes and cosignatures count. */
async function untilBroken(
  read: ReadDecisions,
  brokenBy: string,
  report: Report,
): Promise<ExaminedLog> {
  const { decisions, versions } = read;
  const bodies = decisions.filter((body) => body !== null);
  const entryName = (index: number): string => `entry ${index}`;
  const follow = { versions: versions.all, entries: noEntries, entryName, report, brokenBy };
  const rounds = await followChain(decisions, follow);
  const consortium = versions.inForce;
  report.blame(brokenBy, 'nor were the tree and its heads looked at');
  const verdict = verdictOf(report, versions, nothing, decisions.length, rounds.records());
  return { verdict, consortium, versions: versions.all, bodies, entries: noEntries };
}

const nothing: HeadPair = { cosigned: null, next: null };

async function examineTree(
  directory: LogDirectory,
  names: readonly string[],
  { decisions, versions }: ReadDecisions,
  report: Report,
): Promise<ExaminedLog> {
  const consortium = versions.inForce;
  const heads = await readHeads(directory, versions, report);
  const bodies = decisions.filter((body) => body !== null);
  let titles: Map<number, string> | null = null;
  const entryName = (index: number): string => {
    titles ??= entryTitles(bodies);
    const title = titles.get(index);
    return title === undefined ? `entry ${index}` : `entry ${index} (${title})`;
  };
  const roots = signedRoots(heads, bodies);
  const size = Math.max(0, ...roots.map((root) => root.size));
  const cosignedSize = heads.cosigned?.size ?? 0;
  let entries = noEntries;
  const quorum = quorumOf(versions.at(cosignedSize).manifest.members.length);
  if (isBelievable(size, names, heads, bodies, quorum)) {
    const read = (name: string): Promise<Uint8Array | null> => directory.read(name);
    entries = await verifyTree({ read, size, cosignedSize, roots, entryName }, report);
    // Without the head that says how large the cosigned tree is, it may be that of any block.
    const kept = heads.cosigned === null ? roots.map((root) => root.size) : [size, cosignedSize];
    reportStrangers(names, { sizes: kept, heights: decisions.length, versions }, report);
  } else {
    report.find('tile/entries', `too few bundles for the ${size} entries that are signed`);
  }
  const last = decisions.at(-1);
  if (last !== null && size > (last?.log.size ?? 0)) {
    const lost = size - (last?.log.size ?? 0);
    report.find(
      decisionName(decisions.length + 1),
      `the file is missing: the last ${lost} of the ${size} signed entries belong to no decision`,
    );
  }
  const follow = { versions: versions.all, entries, entryName, report };
  const rounds = await followChain(decisions, follow);
  if (size > cosignedSize && heads.cosigned !== null) {
    report.note(
      `${size - cosignedSize} entries after the cosigned checkpoint wait for cosignatures`,
    );
  }
  const verdict = verdictOf(report, versions, heads, decisions.length, rounds.records());
  return { verdict, consortium, versions: versions.all, bodies, entries };
}

/**
 * Whether there is a tree of `size`: what a quorum signed is believed, what one member says only as far as there are
 * bundles for it.
 */
function isBelievable(
  size: number,
  names: readonly string[],
  { cosigned }: HeadPair,
  bodies: readonly BlockBody[],
  quorum: number,
): boolean {
  const bundleCount = names.filter((name) => name.startsWith('tile/entries/')).length;
  if (size <= bundleCount * tileWidth) return true;
  const isCosigned = cosigned !== null && cosigned.cosignedBy.length >= quorum;
  const attested = signedRoots({ cosigned: isCosigned ? cosigned : null, next: null }, bodies);
  return attested.some((root) => root.size === size);
}

async function readGenesis(
  directory: LogDirectory,
  options: VerifyLogOptions,
  report: Report,
): Promise<SignedManifest | null> {
  const bytes = await directory.read(manifestName);
  if (bytes === null) {
    report.find(manifestName, 'the file is missing; nothing can be checked without it');
    return null;
  }
  let consortium: SignedManifest;
  try {
    consortium = verifyManifest(bytes);
  } catch (error) {
    report.find(manifestName, `${messageOf(error)}; nothing can be checked without it`);
    return null;
  }
  if (options.consortium !== undefined && options.consortium !== consortium.cid) {
    report.find(manifestName, `the consortium is ${consortium.cid}, not ${options.consortium}`);
  }
  const policy = await directory.read(policyName);
  if (policy === null || !equalBytes(policy, policyFile(consortium))) {
    report.find(
      policyName,
      policy === null ? 'the file is missing' : 'not what the manifest makes it',
    );
  }
  return consortium;
}

async function readHeads(
  directory: LogDirectory,
  versions: LogVersions,
  report: Report,
): Promise<HeadPair> {
  const [bytes, nextBytes] = [
    await directory.read(checkpointName),
    await directory.read(nextCheckpointName),
  ];
  if (bytes === null)
    report.find(checkpointName, 'the file is missing: no quorum has cosigned this log');
  const cosigned =
    bytes === null ? null : verifyHead(checkpointName, bytes, versions, true, report);
  const next =
    nextBytes === null ? null : verifyHead(nextCheckpointName, nextBytes, versions, false, report);
  if (next !== null && cosigned !== null) {
    if (next.size <= cosigned.size)
      report.find(nextCheckpointName, 'not larger than the cosigned tree');
    if (next.keptBy !== null && cosigned.keptBy !== null && next.keptBy !== cosigned.keptBy)
      report.find(nextCheckpointName, `signed by ${next.keptBy}`);
  }
  return { cosigned, next };
}

interface ReadDecisions {
  /** Blocks by height from 1; `null` where a file is missing or no quorum signed what it holds. */
  readonly decisions: readonly (BlockBody | null)[];
  readonly versions: LogVersions;
  /** The file of a version without which the blocks behind it cannot be judged. */
  readonly brokenBy: string | null;
}

async function readDecisions(
  directory: LogDirectory,
  names: readonly string[],
  genesis: SignedManifest,
  report: Report,
): Promise<ReadDecisions> {
  const heights = names.map(heightOfName).filter((height) => height !== null);
  // Heights count up from 1, so there cannot be more than there are files.
  const last = Math.max(0, ...heights.filter((height) => height <= names.length));
  const decisions: (BlockBody | null)[] = [];
  const suspensions = new Suspensions(genesis, genesisEpoch, report);
  let brokenBy: string | null = null;
  let model: Digest | null = null;
  const read = (name: string): Promise<Uint8Array | null> => directory.read(name);
  const reader = new VersionReader(genesis, read, report);
  const files = new DecisionFiles(read, last);
  for (let height = 1; height <= last; height++) {
    brokenBy ??= reader.brokenBy;
    const consortium = reader.versions.inForce;
    const epoch = consortium.manifest.version;
    const opened = brokenBy === null ? await files.take(height, consortium) : null;
    const lostAt = decisions.at(-1) === null ? decisionName(height - 1) : null;
    // What an undecodable or unsigned block says of its epoch counts for nothing else.
    if (lostAt !== null && (opened?.decision?.body.e ?? 0) > epoch) {
      report.blame(lostAt, `its block changed the members`);
      brokenBy = lostAt;
    }
    if (brokenBy !== null) {
      decisions.push(null);
      continue;
    }
    if (opened === null) report.findShared(decisionName(height), 'the file is missing');
    const restart = unvotedChange(opened?.decision ?? null);
    const decidedBy = { consortium, epoch, suspendedFrom: suspensions.from };
    const body =
      restart ?? (opened === null ? null : verifyDecision(height, opened, decidedBy, report));
    const soFar = { last: decisions.at(-1) ?? null, model };
    decisions.push(body);
    if (body === null) continue;
    model = sealedIn(body) ?? model;
    suspensions.take(body);
    const next = await reader.take(body, restart === null ? null : soFar);
    if (next !== null) suspensions.enter(next);
    // Without votes it is its manifest that makes a block one of this log.
    else if (restart !== null) decisions[height - 1] = null;
  }
  return { decisions, versions: reader.versions, brokenBy: brokenBy ?? reader.brokenBy };
}

/** The block of a decision for which nobody voted, and which changes the members: a restart, if its manifest says so too. */
function unvotedChange(decision: Decision | null): BlockBody | null {
  if (decision === null || membershipOf(decision.body) === null) return null;
  const { body, certificate } = decision;
  return equalBytes(encodeCanonical(certificate), encodeCanonical(unvoted(body))) ? body : null;
}

/** The model that a block seals; null when it seals none. */
function sealedIn({ ops }: BlockBody): Digest | null {
  return ops.find((op) => op.op === 'SEAL')?.agg ?? null;
}

/** Every root that a key of the manifest vouches for. */
function signedRoots(heads: HeadPair, bodies: readonly BlockBody[]): SignedRoot[] {
  const roots: SignedRoot[] = [];
  if (heads.cosigned !== null) roots.push({ where: checkpointName, ...heads.cosigned });
  if (heads.next !== null) roots.push({ where: nextCheckpointName, ...heads.next });
  for (const { h, log } of bodies) roots.push({ where: decisionName(h), ...log });
  return roots;
}

function reportStrangers(
  names: readonly string[],
  {
    sizes,
    heights,
    versions,
  }: {
    readonly sizes: readonly number[];
    readonly heights: number;
    readonly versions: LogVersions;
  },
  report: Report,
): void {
  const known = new Set([
    ...versions.all.flatMap((_, version) => [manifestNameOf(version), policyNameOf(version)]),
    checkpointName,
    nextCheckpointName,
    ...sizes.flatMap(tileNames),
    ...Array.from({ length: heights }, (_, index) => decisionName(index + 1)),
  ]);
  for (const name of names) {
    if (!known.has(name)) report.findShared(name, 'a file that does not belong to this log');
  }
}

function verdictOf(
  report: Report,
  versions: LogVersions | null,
  heads: HeadPair,
  heights: number,
  rounds: readonly RoundRecord[],
): LogVerdict {
  const consortium = versions?.inForce ?? null;
  const members = consortium?.manifest.members.map((member) => member.id) ?? [];
  const cosigners = versions?.at(heads.cosigned?.size ?? 0).manifest.members.length;
  return {
    ok: report.findings.length === 0,
    findings: report.findings,
    notes: report.notes,
    consortium:
      consortium === null
        ? null
        : {
            name: consortium.manifest.name,
            cid: consortium.cid,
            origin: logOrigin(consortium),
            members,
          },
    keptBy: (heads.cosigned ?? heads.next)?.keptBy ?? null,
    heights,
    rounds,
    treeSize: heads.cosigned?.size ?? 0,
    root: heads.cosigned?.root ?? null,
    cosignedBy: heads.cosigned?.cosignedBy ?? [],
    quorum: cosigners === undefined ? 0 : quorumOf(cosigners),
  };
}
