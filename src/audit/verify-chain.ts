/** Checks the decided blocks: certificates, the chain, and what each height put into the tree. */
import { equalBytes, messageOf } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import {
  blockLeaf,
  bodyDigest,
  encodeCanonical,
  genesisPrev,
  verifyUpdateStatement,
  type BlockBody,
  type CutUpdate,
  type Open,
  type SignedManifest,
  type UpdateStatement,
} from '../wire/index.ts';
import { certificateProblems } from './certificate.ts';
import { decisionName, decodeDecision, envelopeDigests, type Decision } from './log-files.ts';
import type { Report } from './verdict.ts';
import type { SoundEntries } from './verify-tree.ts';

/** A decision file, and whether a quorum signed its body. */
export interface ReadDecision {
  readonly decision: Decision;
  readonly isCertified: boolean;
}

/** Reads and checks one decision file; `null` when its form is wrong. */
export function verifyDecision(
  height: number,
  bytes: Uint8Array,
  consortium: SignedManifest,
  suspendedFrom: ReadonlyMap<number, number>,
  report: Report,
): ReadDecision | null {
  const where = decisionName(height);
  let decision: Decision;
  try {
    decision = decodeDecision(bytes);
  } catch (error) {
    report.find(where, messageOf(error));
    return null;
  }
  const { body } = decision;
  if (body.h !== height) report.find(where, `it holds height ${body.h}`);
  if (body.cid !== consortium.cid) report.find(where, 'its block is of another consortium');
  if (body.e !== 0) report.find(where, `epoch ${body.e}: the manifest is of epoch 0`);
  const problems = certificateProblems(decision, consortium, suspendedFrom);
  for (const problem of problems) report.find(where, problem);
  return { decision, isCertified: problems.length === 0 && body.h === height };
}

/** Index of the first entry of a block's height. */
export function firstEntryOf(body: BlockBody): number {
  return body.log.size - 1 - envelopeDigests(body).length;
}

/** What entries are, by index, as the decisions tell it. */
export function entryTitles(bodies: readonly BlockBody[]): Map<number, string> {
  const titles = new Map<number, string>();
  for (const body of bodies) {
    const first = firstEntryOf(body);
    const cuts = body.ops.filter((op) => op.op === 'CUT');
    envelopeDigests(body).forEach((env, i) => {
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
export function verifyLink(
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
  const leaf = entries[index];
  if (leaf !== null && (leaf === undefined || !equalBytes(leaf, blockLeaf(body)))) {
    report.find(where, `entry ${index} of the tree is not its block`);
  }
}

/**
 * Checks the envelopes that a block's CUT brings in against the CUT and the round's OPEN. Damaged entries
 * were reported already.
 */
export function verifyUpdates(
  body: BlockBody,
  open: Open,
  updates: readonly CutUpdate[],
  context: {
    readonly consortium: SignedManifest;
    readonly entries: SoundEntries;
    readonly entryName: (index: number) => string;
    readonly report: Report;
  },
): void {
  const { consortium, entries, entryName, report } = context;
  envelopeDigests(body).forEach((env, i) => {
    const index = firstEntryOf(body) + i;
    const where = entryName(index);
    const bytes = entries[index];
    const update = updates.find((candidate) => candidate.env === env);
    if (bytes === null || update === undefined) return;
    if (bytes === undefined || digestOf(bytes) !== env) {
      report.find(where, `not the envelope that block ${body.h} names`);
      return;
    }
    try {
      const { manifest, cid } = consortium;
      const { statement } = verifyUpdateStatement(bytes, manifest, cid);
      for (const problem of statementProblems(statement, update, open)) report.find(where, problem);
    } catch (error) {
      report.find(where, messageOf(error));
    }
  });
}

function statementProblems(
  statement: UpdateStatement,
  update: CutUpdate,
  open: Open,
): readonly string[] {
  const claims: [boolean, string][] = [
    [statement.author === update.peer, `signed by ${statement.author}, not ${update.peer}`],
    [statement.round === open.r, `of round ${statement.round}, not ${open.r}`],
    [statement.stage === open.stage, `of stage ${statement.stage}, not ${open.stage}`],
    [statement.update === update.upd, "its update's digest is not that of the CUT"],
    [update.n === statement.weight, `its weight is ${statement.weight}, the CUT says ${update.n}`],
    [statement.base === open.base, 'trained from another model than the OPEN names'],
    [sameOptions(statement.hp, open.hp), 'trained with other settings than the OPEN names'],
    [statement.code === open.code, 'trained by another program than the OPEN names'],
  ];
  return claims.filter(([holds]) => !holds).map(([, problem]) => problem);
}

function sameOptions(a: Open['hp'], b: Open['hp']): boolean {
  return equalBytes(encodeCanonical(a), encodeCanonical(b));
}
