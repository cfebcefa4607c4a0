/** Checks the decided blocks: certificates, the chain, and what each height put into the tree. */
import { equalBytes, invariant, messageOf } from '../base/index.ts';
import { digestOf, verifyRawAside } from '../crypto/index.ts';
import {
  blockLeaf,
  bodyDigest,
  decodeUpdateStatement,
  genesisPrev,
  keyBytes,
  memberOf,
  openDigest,
  verifyUpdateStatement,
  type BlockBody,
  type CutUpdate,
  type Open,
  type SignedManifest,
  type UpdateStatement,
} from '../wire/index.ts';
import { judgeCertificate } from './certificate.ts';
import type { OpenedDecision } from './decision-files.ts';
import { decisionName, envelopeDigests, firstEntryOf } from './log-files.ts';
import { hashLeafOnce } from './merkle-tree.ts';
import type { SoundEntries } from './sound-entries.ts';
import type { Report } from './verdict.ts';
import { verifyReports } from './verify-mixing.ts';
import { RoundReader } from './verify-rounds.ts';

/** Whose votes decide a block. */
export interface DecidedBy {
  readonly consortium: SignedManifest;
  /** Of the membership. */
  readonly epoch: number;
  /** By index, the first height at which a convicted member has no vote. */
  readonly suspendedFrom: ReadonlyMap<number, number>;
}

/**
 * The block of one decision file, if a quorum signed it; `null` otherwise, which is a finding: nothing in it can be
 * followed.
 */
export function verifyDecision(
  height: number,
  { decision, problem: unreadable, votes }: OpenedDecision,
  { consortium, epoch, suspendedFrom }: DecidedBy,
  report: Report,
): BlockBody | null {
  const where = decisionName(height);
  if (decision === null) {
    report.find(where, unreadable ?? 'it cannot be read');
    return null;
  }
  const { body } = decision;
  const { isCertified, problem } = judgeCertificate(decision, consortium, suspendedFrom, votes);
  if (problem !== null) report.find(where, problem);
  if (!isCertified) return null;
  if (body.cid !== consortium.cid) report.find(where, 'its block is of another consortium');
  if (body.e !== epoch)
    report.find(where, `epoch ${body.e}: the members are those of epoch ${epoch}`);
  if (body.h === height) return body;
  report.find(where, `it holds height ${body.h}`);
  return null;
}

/** What the blocks are held against. */
export interface ChainContext {
  /** Of the manifest by number: every one that the blocks put in force. */
  readonly versions: readonly SignedManifest[];
  /** The file that is to blame when the blocks cannot be followed to the end; by default the first that is not there. */
  readonly brokenBy?: string;
  readonly entries: SoundEntries;
  readonly entryName: (index: number) => string;
  readonly report: Report;
}

/** What entries are, by index, as the decisions tell it. */
export function entryTitles(bodies: readonly BlockBody[]): Map<number, string> {
  const titles = new Map<number, string>();
  for (const body of bodies) {
    const first = firstEntryOf(body);
    const cuts = body.ops.filter((op) => op.op === 'CUT');
    envelopeDigests(body).forEach((env, i) => {
      for (const op of body.ops) {
        const report =
          op.op === 'SEAL' ? op.mixed?.reports.find((one) => one.report === env) : undefined;
        if (op.op === 'SEAL' && report !== undefined) {
          titles.set(first + i, `report of ${report.peer}, round ${op.r}`);
        }
      }
      for (const cut of cuts) {
        const update = cut.updates.find((candidate) => candidate.env === env);
        if (update !== undefined) titles.set(first + i, `update of ${update.peer}, round ${cut.r}`);
      }
    });
    titles.set(body.log.size - 1, `block ${body.h}`);
  }
  return titles;
}

/** Checks that `body` follows `previous` and that its leaves stand where it says. */
function verifyLink(
  body: BlockBody,
  previous: BlockBody | null,
  entries: SoundEntries,
  report: Report,
): void {
  const where = decisionName(body.h);
  // After an unreadable decision the link cannot be judged; that file was reported.
  if (body.h === 1 || previous !== null) {
    const prev = previous === null ? genesisPrev : bodyDigest(previous);
    if (body.prev !== prev) report.find(where, 'it does not name the block before it');
    if (body.ts < (previous?.ts ?? 0)) report.find(where, "its time is before the last block's");
    if (firstEntryOf(body) !== (previous?.log.size ?? 0)) {
      report.find(where, `its tree of ${body.log.size} entries does not follow the last block's`);
    }
  }
  const index = body.log.size - 1;
  const leaf = entries.hash(index);
  // Of a copy: the leaf of a body that is kept would be kept as well.
  if (leaf !== null && !equalBytes(leaf, hashLeafOnce(blockLeaf({ ...body })))) {
    report.find(where, `entry ${index} of the tree is not its block`);
  }
}

/** Follows the blocks, by height from 1: their links, their rounds, and the updates that they brought in. */
export async function followChain(
  decisions: readonly (BlockBody | null)[],
  context: ChainContext,
): Promise<RoundReader> {
  const { versions, report } = context;
  const [genesis] = versions;
  invariant(genesis !== undefined, 'a log begins with a genesis');
  const rounds = new RoundReader(genesis, report);
  let previous: BlockBody | null = null;
  const signatures = new SignaturesUnderWay();
  // Behind a gap the state of the rounds is unknown, and the gap itself was reported.
  const gap = decisions.indexOf(null);
  for (const [index, body] of decisions.entries()) {
    if (body !== null) verifyLink(body, previous, context.entries, report);
    previous = body;
    if (body === null || (gap >= 0 && index > gap)) continue;
    for (const op of body.ops) {
      if (op.op === 'EVID') continue; // checked with the certificates, which depend on it
      if (op.op === 'MEMBER') {
        const next = versions[op.version];
        if (next !== undefined) rounds.enter(next, body);
        continue;
      }
      const { open, cut } = rounds;
      rounds.take(op, body);
      if (op.op === 'CUT' && open !== null) {
        const part = { ...context, report: report.part() };
        await signatures.add(verifyUpdates(body, open, op.updates, part));
      }
      if (op.op === 'SEAL' && open !== null && cut !== null) {
        await verifyReports(body, { open, cut, seal: op }, context);
      }
    }
  }
  await signatures.end();
  if (gap >= 0 && gap + 1 < decisions.length) {
    const behind = decisions.slice(gap + 1).filter((body) => body !== null);
    const updates = behind.reduce((sum, body) => sum + envelopeDigests(body).length, 0);
    report.blame(
      context.brokenBy ?? decisionName(gap + 1),
      `the rounds from here to height ${decisions.length} could not be followed, nor their ${updates} updates checked against them`,
    );
  }
  return rounds;
}

/** Blocks whose signatures are checked at the same time at most. */
const underWayMax = 16;

/** Checks that end while the next blocks are followed. */
class SignaturesUnderWay {
  #all: Promise<void>[] = [];

  /** Waits when there are many. */
  async add(work: Promise<void>): Promise<void> {
    // It is waited for later, and told then if it fails.
    work.catch(() => undefined);
    this.#all.push(work);
    if (this.#all.length >= underWayMax) await this.#all.shift();
  }

  async end(): Promise<void> {
    await Promise.all(this.#all);
    this.#all = [];
  }
}

/**
 * Checks the envelopes that a block's CUT brings in against the CUT and the round's OPEN. Damaged entries
 * were reported already.
 */
async function verifyUpdates(
  body: BlockBody,
  open: Open,
  updates: readonly CutUpdate[],
  { versions, entries, entryName, report }: ChainContext,
): Promise<void> {
  const consortium = versions[body.e];
  if (consortium === undefined) return; // a block of another epoch is a finding already
  const found: Promise<readonly string[]>[] = [];
  const first = firstEntryOf(body);
  const digests = envelopeDigests(body);
  for (const [i, env] of digests.entries()) {
    const bytes = await entries.at(first + i);
    const update = updates.find((candidate) => candidate.env === env);
    const problems =
      bytes === null || update === undefined
        ? []
        : digestOf(bytes) === env
          ? updateProblems(bytes, update, open, consortium)
          : [`not the envelope that block ${body.h} names`];
    found.push(Promise.resolve(problems));
  }
  for (const [i, problems] of (await Promise.all(found)).entries()) {
    for (const problem of problems) report.find(entryName(first + i), problem);
  }
}

async function updateProblems(
  bytes: Uint8Array,
  update: CutUpdate,
  open: Open,
  { manifest, cid }: SignedManifest,
): Promise<readonly string[]> {
  try {
    const decoded = decodeUpdateStatement(bytes);
    const [signature] = decoded.signed.signatures;
    const author = memberOf(manifest, decoded.statement.author);
    // Checked aside, for it is most of the work; who signed, and all else, is judged where it always is.
    const isRight =
      author !== null &&
      signature?.bytes != null &&
      (await verifyRawAside(keyBytes(author.logKey), decoded.signed.signed, signature.bytes));
    const verify = (): boolean => isRight;
    const { statement } = verifyUpdateStatement(bytes, manifest, cid, verify, () => decoded);
    return statementProblems(statement, update, open);
  } catch (error) {
    return [messageOf(error)];
  }
}

function statementProblems(
  statement: UpdateStatement,
  update: CutUpdate,
  open: Open,
): readonly string[] {
  const claims: [boolean, string][] = [
    [statement.author === update.peer, `signed by ${statement.author}, not ${update.peer}`],
    [statement.round === open.r, `of round ${statement.round}, not ${open.r}`],
    [statement.open === openDigest(open), 'trained as another OPEN says'],
    [statement.update === update.upd, "its update's digest is not that of the CUT"],
    [update.n === statement.weight, `its weight is ${statement.weight}, the CUT says ${update.n}`],
    [statement.base === open.base, 'trained from another model than the OPEN names'],
    [statement.code === open.code, 'trained by another program than the OPEN names'],
  ];
  return claims.filter(([holds]) => !holds).map(([, problem]) => problem);
}
