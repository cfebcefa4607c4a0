/**
 * Offline verification of everything in a log directory, from the manifest's signatures to the last byte of
 * the last tile. Needs no key and no network: what is trusted is the manifest, whose digest (the consortium's
 * id) the auditor compares with one from another source.
 */
import { equalBytes, messageOf, type Digest } from '../base/index.ts';
import { verifyManifest, type BlockBody, type SignedManifest } from '../wire/index.ts';
import {
  checkpointName,
  decisionName,
  heightOfName,
  manifestName,
  nextCheckpointName,
  policyName,
  tileNames,
} from './log-files.ts';
import { logOrigin, policyFile, quorumSize } from './policy.ts';
import { tileWidth } from './tiles.ts';
import { Suspensions } from './suspensions.ts';
import { Report, type LogVerdict } from './verdict.ts';
import {
  entryTitles,
  verifyDecision,
  verifyLink,
  verifyUpdates,
  type ReadDecision,
} from './verify-chain.ts';
import { requireQuorum, verifyHead, type VerifiedHead } from './verify-heads.ts';
import { RoundReader } from './verify-rounds.ts';
import { verifyTree, type SignedRoot, type SoundEntries } from './verify-tree.ts';

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
  readonly sealed: VerifiedHead | null;
  readonly next: VerifiedHead | null;
}

/** Checks every file; never throws on their contents. */
export async function verifyLogDirectory(
  directory: LogDirectory,
  options: VerifyLogOptions = {},
): Promise<LogVerdict> {
  const report = new Report();
  const names = await directory.list();
  const consortium = await readConsortium(directory, options, report);
  if (consortium === null) return verdictOf(report, null, { sealed: null, next: null }, 0, null);
  const heads = await readHeads(directory, consortium, report);
  const decisions = await readDecisions(directory, names, consortium, report);
  const bodies = decisions.flatMap((read) => (read === null ? [] : [read.decision.body]));
  const titles = entryTitles(bodies);
  const entryName = (index: number): string => {
    const title = titles.get(index);
    return title === undefined ? `entry ${index}` : `entry ${index} (${title})`;
  };
  const roots = signedRoots(heads, decisions);
  const size = Math.max(0, ...roots.map((root) => root.size));
  const sealedSize = heads.sealed?.size ?? 0;
  const bundleCount = names.filter((name) => name.startsWith('tile/entries/')).length;
  let entries: SoundEntries = [];
  // The size is the files' claim: believe it only as far as there are bundles for it.
  if (size > bundleCount * tileWidth) {
    report.find('tile/entries', `too few bundles for the ${size} entries that are signed`);
  } else {
    const read = (name: string): Promise<Uint8Array | null> => directory.read(name);
    entries = await verifyTree({ read, size, sealedSize, roots, entryName }, report);
    reportStrangers(names, [size, sealedSize], decisions.length, report);
  }
  const last = decisions.at(-1);
  if (last !== null && size > (last?.decision.body.log.size ?? 0)) {
    const missing = decisionName(decisions.length + 1);
    report.find(missing, 'the file is missing: the last signed entries belong to no decision');
  }
  const rounds = followChain(decisions, { consortium, entries, entryName, report });
  if (size > sealedSize && heads.sealed !== null) {
    report.note(`${size - sealedSize} entries after the sealed checkpoint wait for cosignatures`);
  }
  return verdictOf(report, consortium, heads, decisions.length, rounds);
}

async function readConsortium(
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
  consortium: SignedManifest,
  report: Report,
): Promise<HeadPair> {
  const [bytes, nextBytes] = [
    await directory.read(checkpointName),
    await directory.read(nextCheckpointName),
  ];
  if (bytes === null)
    report.find(checkpointName, 'the file is missing: no quorum has sealed this log');
  const sealed = bytes === null ? null : verifyHead(checkpointName, bytes, consortium, report);
  if (sealed !== null) requireQuorum(checkpointName, sealed, consortium, report);
  const next =
    nextBytes === null ? null : verifyHead(nextCheckpointName, nextBytes, consortium, report);
  if (next !== null && sealed !== null) {
    if (next.size <= sealed.size)
      report.find(nextCheckpointName, 'not larger than the sealed tree');
    if (next.keptBy !== sealed.keptBy) report.find(nextCheckpointName, `signed by ${next.keptBy}`);
  }
  return { sealed, next };
}

/** Decisions by height from 1; `null` where a file is missing or cannot be read. */
async function readDecisions(
  directory: LogDirectory,
  names: readonly string[],
  consortium: SignedManifest,
  report: Report,
): Promise<(ReadDecision | null)[]> {
  const heights = names.map(heightOfName).filter((height) => height !== null);
  // Heights count up from 1, so there cannot be more than there are files.
  const last = Math.max(0, ...heights.filter((height) => height <= names.length));
  const decisions: (ReadDecision | null)[] = [];
  const suspensions = new Suspensions(consortium, report);
  for (let height = 1; height <= last; height++) {
    const bytes = await directory.read(decisionName(height));
    if (bytes === null) report.find(decisionName(height), 'the file is missing');
    const { from } = suspensions;
    const read = bytes === null ? null : verifyDecision(height, bytes, consortium, from, report);
    decisions.push(read);
    if (read !== null) suspensions.take(read.decision.body);
  }
  return decisions;
}

/** Every root that a key of the manifest vouches for. */
function signedRoots(heads: HeadPair, decisions: readonly (ReadDecision | null)[]): SignedRoot[] {
  const roots: SignedRoot[] = [];
  if (heads.sealed !== null) roots.push({ where: checkpointName, ...heads.sealed });
  if (heads.next !== null) roots.push({ where: nextCheckpointName, ...heads.next });
  for (const read of decisions) {
    if (read?.isCertified !== true) continue;
    const { h, log } = read.decision.body;
    roots.push({ where: decisionName(h), ...log });
  }
  return roots;
}

function followChain(
  decisions: readonly (ReadDecision | null)[],
  context: {
    readonly consortium: SignedManifest;
    readonly entries: SoundEntries;
    readonly entryName: (index: number) => string;
    readonly report: Report;
  },
): RoundReader {
  const rounds = new RoundReader(context.consortium, context.report);
  let previous: BlockBody | null = null;
  let isWhole = true;
  for (const read of decisions) {
    const body: BlockBody | null = read?.decision.body ?? null;
    if (body !== null) verifyLink(body, previous, context.entries, context.report);
    previous = body;
    // Behind a gap the state of the rounds is unknown, and the gap itself was reported.
    isWhole &&= body !== null;
    if (body === null || !isWhole) continue;
    for (const op of body.ops) {
      if (op.op === 'EVID') continue; // checked with the certificates, which depend on it
      rounds.take(op, body);
      if (op.op === 'CUT' && rounds.open !== null) {
        verifyUpdates(body, rounds.open, op.updates, context);
      }
    }
  }
  return rounds;
}

function reportStrangers(
  names: readonly string[],
  sizes: readonly number[],
  heights: number,
  report: Report,
): void {
  const known = new Set([
    manifestName,
    policyName,
    checkpointName,
    nextCheckpointName,
    ...sizes.flatMap(tileNames),
    ...Array.from({ length: heights }, (_, index) => decisionName(index + 1)),
  ]);
  for (const name of names) {
    if (!known.has(name)) report.find(name, 'a file that does not belong to this log');
  }
}

function verdictOf(
  report: Report,
  consortium: SignedManifest | null,
  heads: HeadPair,
  heights: number,
  rounds: RoundReader | null,
): LogVerdict {
  const members = consortium?.manifest.members.map((member) => member.id) ?? [];
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
    keptBy: (heads.sealed ?? heads.next)?.keptBy ?? null,
    heights,
    rounds: rounds?.records() ?? [],
    treeSize: heads.sealed?.size ?? 0,
    root: heads.sealed?.root ?? null,
    sealedBy: heads.sealed?.cosignedBy ?? [],
    quorum: consortium === null ? 0 : quorumSize(members.length),
  };
}
