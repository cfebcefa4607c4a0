/**
 * Follows the rounds through the decided blocks: OPEN → CUT → SEAL, or VOID at either step. Every OPEN must
 * be the one that the manifest's plan makes next.
 */
import { equalBytes, type Digest, type NodeId } from '../base/index.ts';
import {
  encodeCanonical,
  hyperparametersOf,
  noPace,
  paceAfterCut,
  paceAfterLack,
  planRefusal,
  roundTimeMs,
  type BlockBody,
  type Cut,
  type Open,
  type Pace,
  type PlanStage,
  type RoundOp,
  type Seal,
  type SignedManifest,
} from '../wire/index.ts';
import { decisionName } from './log-files.ts';
import type { Report, RoundRecord } from './verdict.ts';

interface Running {
  readonly open: Open;
  readonly cut: Cut | null;
}

/** Folds the blocks in order of height. One instance reads one log. */
export class RoundReader {
  #consortium: SignedManifest;
  readonly #report: Report;
  readonly #records: RoundRecord[] = [];
  readonly #models = new Map<string, Digest>();
  #running: Running | null = null;
  #lastRound = 0;
  #stageIndex = 0;
  #sealedInStage = 0;
  #pace: Pace = noPace;

  constructor(consortium: SignedManifest, report: Report) {
    this.#consortium = consortium;
    this.#report = report;
    this.#stageIndex = this.#stageFrom(0);
  }

  /**
   * The next version of the manifest is in force, by `body`. Its plan must leave what has begun as it was. A restart ends the
   * round under way.
   */
  enter(next: SignedManifest, body: BlockBody): void {
    const where = `${decisionName(body.h)} MEMBER`;
    const running = this.#running;
    if (running !== null && next.manifest.restart !== undefined) {
      this.#records.push(recordOf(running, 'void', { voidReason: 'restart' }));
      this.#running = null;
    } else if (running !== null) this.#report.find(where, 'a round is under way');
    const { plan } = this.#consortium.manifest;
    const refusal = planRefusal(plan, next.manifest.plan, this.#stageIndex);
    if (refusal !== null) this.#report.find(where, refusal);
    this.#consortium = next;
    this.#pace = noPace;
    this.#stageIndex = this.#stageFrom(this.#stageIndex);
  }

  get #stages(): readonly PlanStage[] {
    return this.#consortium.manifest.plan.stages;
  }

  /** The first stage from `index` on that has rounds: members pass over the others. */
  #stageFrom(index: number): number {
    const found = this.#stages.findIndex(({ rounds }, at) => at >= index && rounds > 0);
    return found < 0 ? this.#stages.length : found;
  }

  /** The round under way, as of the operations taken so far. */
  get open(): Open | null {
    return this.#running?.open ?? null;
  }

  /** The CUT of the round under way, as of the operations taken so far. */
  get cut(): Cut | null {
    return this.#running?.cut ?? null;
  }

  /** Every round so far; the last may be without an end. */
  records(): RoundRecord[] {
    const running = this.#running;
    if (running === null) return [...this.#records];
    return [...this.#records, recordOf(running, running.cut === null ? 'open' : 'cut')];
  }

  /** Takes the next operation of `body`. */
  take(op: RoundOp, body: BlockBody): void {
    const where = `${decisionName(body.h)} ${op.op} of round ${op.r}`;
    if (op.op === 'OPEN') {
      this.#takeOpen(op, body, where);
      return;
    }
    const running = this.#running;
    if (running === null) {
      this.#report.find(where, 'no round is open');
      return;
    }
    if (op.r !== running.open.r) this.#report.find(where, `round ${running.open.r} is open`);
    if (op.op === 'CUT') {
      if (running.cut !== null && !isSmallerMixing(running.open, running.cut, op)) {
        this.#report.find(where, 'the round has a CUT already');
      }
      this.#judgeCut(op, running.open, where);
      const stage = this.#stages[this.#stageIndex];
      if (running.cut === null && stage !== undefined) {
        this.#pace = paceAfterCut(this.#pace, stage, running.open, op, body.ts);
      }
      this.#running = { open: running.open, cut: op };
    } else if (op.op === 'SEAL') {
      this.#takeSeal(op, running, where);
    } else {
      this.#records.push(recordOf(running, 'void', { voidReason: op.reason }));
      if (running.cut === null) this.#pace = paceAfterLack(this.#pace);
      this.#running = null;
    }
  }

  #takeOpen(op: Open, body: BlockBody, where: string): void {
    const stage = this.#stages[this.#stageIndex];
    if (this.#running !== null) this.#report.find(where, 'the round before it has not ended');
    if (op.r !== this.#lastRound + 1) {
      this.#report.find(where, `expected round ${this.#lastRound + 1}`);
    }
    if (stage === undefined) this.#report.find(where, 'the plan is carried out');
    else this.#judgeOpen(op, body, stage, where);
    const base = this.#models.get(op.stage);
    if (base !== undefined && op.base !== base) {
      this.#report.find(where, "its base is not the model that the stage's last SEAL names");
    }
    this.#running = { open: op, cut: null };
    this.#lastRound = op.r;
  }

  #judgeOpen(op: Open, body: BlockBody, stage: PlanStage, where: string): void {
    const hp = hyperparametersOf(this.#consortium.manifest.plan, stage, this.#sealedInStage);
    const claims: [boolean, string][] = [
      [op.stage === stage.id, `expected stage ${stage.id} of the plan, got ${op.stage}`],
      [sameList(op.participants, stage.participants), "its participants are not the plan's"],
      [op.minParticipants === stage.minParticipants, "minParticipants is not the plan's"],
      [op.deadline === body.ts + roundTimeMs(stage, this.#pace), "its deadline is not the plan's"],
      [isSame(op.rule, stage.rule), "its rule of averaging is not the plan's"],
      [isSame(op.hp, hp), "its hyper-parameters are not the plan's"],
    ];
    for (const [holds, problem] of claims) if (!holds) this.#report.find(where, problem);
  }

  #judgeCut(cut: Cut, open: Open, where: string): void {
    const { samplesCap } = open.rule;
    if (cut.updates.length < open.minParticipants) {
      this.#report.find(where, `${cut.updates.length} updates, fewer than ${open.minParticipants}`);
    }
    for (const update of cut.updates) {
      if (!open.participants.includes(update.peer)) {
        this.#report.find(where, `${update.peer} does not take part`);
      }
      if (update.n > samplesCap) {
        this.#report.find(where, `weight ${update.n} of ${update.peer} is above ${samplesCap}`);
      }
    }
  }

  /** A model is sealed with reports exactly where its round was mixed: one for each update, under the rule's bound. */
  #judgeMixed({ mixed }: Seal, { rule }: Open, cut: Cut | null, where: string): void {
    if (rule.kind !== 'mixing') {
      if (mixed !== undefined) this.#report.find(where, 'reports of a round that was not mixed');
      return;
    }
    const mixing = (cut?.updates ?? []).map(({ peer }) => peer);
    const reporting = (mixed?.reports ?? []).map(({ peer }) => peer);
    if (!sameList(mixing, reporting)) {
      this.#report.find(where, 'its reports are not one for each update of the CUT');
    }
    if (mixed !== undefined && mixed.epsilonNano !== rule.epsilonNano) {
      this.#report.find(where, "its bound is not the rule's");
    }
  }

  #takeSeal(op: Seal, running: Running, where: string): void {
    const { open, cut } = running;
    if (cut === null) this.#report.find(where, 'the round has no CUT');
    const weight = (cut?.updates ?? []).reduce((sum, update) => sum + update.n, 0);
    if (op.W !== weight)
      this.#report.find(where, `W is ${op.W}, the CUT's weights sum to ${weight}`);
    this.#judgeMixed(op, open, cut, where);
    this.#records.push(recordOf(running, 'sealed', { modelDigest: op.agg, ...mixedOf(op) }));
    this.#models.set(open.stage, op.agg);
    this.#running = null;
    this.#sealedInStage += 1;
    const stage = this.#stages[this.#stageIndex];
    if (stage !== undefined && this.#sealedInStage >= stage.rounds) {
      this.#stageIndex = this.#stageFrom(this.#stageIndex + 1);
      this.#sealedInStage = 0;
      this.#pace = noPace;
    }
  }
}

/** Of a SEAL, what a reader wants to know of its mixing. */
function mixedOf({ mixed }: Seal): Pick<RoundRecord, 'mixed'> {
  if (mixed === undefined) return {};
  return { mixed: { steps: mixed.steps, epsilon: mixed.epsilonNano / 1e9 } };
}

function recordOf(
  { open, cut }: Running,
  outcome: RoundRecord['outcome'],
  end: Partial<Pick<RoundRecord, 'voidReason' | 'mixed'>> & { readonly modelDigest?: Digest } = {},
): RoundRecord {
  const updates = cut?.updates ?? [];
  const isIn = (node: NodeId): boolean => updates.some((update) => update.peer === node);
  return {
    round: open.r,
    stage: open.stage,
    base: open.base,
    participants: updates.map(({ peer, n }) => ({ node: peer, weight: n })),
    excluded: cut === null ? [] : open.participants.filter((node) => !isIn(node)),
    outcome,
    modelDigest: end.modelDigest ?? null,
    voidReason: end.voidReason ?? null,
    ...(end.mixed && { mixed: end.mixed }),
  };
}

/** A mixing may go on without some of its members: a further CUT then has fewer of the same updates. */
function isSmallerMixing({ rule }: Open, before: Cut, after: Cut): boolean {
  const isIn = (update: Cut['updates'][number]): boolean =>
    before.updates.some((one) => isSame(one, update));
  const isSmaller = after.updates.length < before.updates.length;
  return rule.kind === 'mixing' && isSmaller && after.updates.every(isIn);
}

/** Whether two plain values have the same canonical bytes. */
function isSame(a: object, b: object): boolean {
  return equalBytes(encodeCanonical(a), encodeCanonical(b));
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
