/** All that a log says of one round which ended with a model. */
import { invariant, type Digest } from '../base/index.ts';
import { envelopeDigests, firstEntryOf, type ExaminedLog } from '../audit/index.ts';
import { readUpdate, type UpdateFacts } from '../gossip/index.ts';
import type { BlockBody, Cut, Open, PlanStage, Seal, SignedManifest } from '../wire/index.ts';
import { AuditorError } from './errors.ts';

/** A sealed round. */
export interface LoggedRound {
  /** The version of the manifest in force. */
  readonly consortium: SignedManifest;
  readonly stage: PlanStage;
  readonly open: Open;
  /** The last one: a mixing may go on with a smaller one. */
  readonly cut: Cut;
  readonly seal: Seal;
  /** What the envelopes of the cut's updates say, in its order. */
  readonly updates: readonly UpdateFacts[];
  /** The model that the base of this round came from; null in the stage's first. */
  readonly before: Digest | null;
}

/** @throws {AuditorError} 'no_round', or 'damaged_file' where an envelope is not what the log says */
export async function loggedRound(log: ExaminedLog, round: number): Promise<LoggedRound> {
  const { verdict, bodies, versions } = log;
  const record = verdict.rounds.find((one) => one.round === round);
  if (record?.outcome !== 'sealed') throw noRound(log, round, record?.outcome ?? null);
  let open: Open | null = null;
  let seal: Seal | null = null;
  let cut: { readonly op: Cut; readonly body: BlockBody } | null = null;
  for (const body of bodies) {
    for (const op of body.ops) {
      if (!('r' in op) || op.r !== round) continue;
      if (op.op === 'OPEN') open = op;
      else if (op.op === 'CUT') cut = { op, body };
      else if (op.op === 'SEAL') seal = op;
    }
  }
  const consortium = versions[cut?.body.e ?? -1];
  if (open === null || cut === null || seal === null || consortium === undefined) {
    throw noRound(log, round, 'damaged');
  }
  const { stage: id } = open;
  const stage = consortium.manifest.plan.stages.find((one) => one.id === id);
  if (stage === undefined) throw noRound(log, round, 'damaged');
  const sealedBefore = verdict.rounds.filter(
    (one) => one.stage === id && one.outcome === 'sealed' && one.round < round,
  );
  const before = sealedBefore.at(-1)?.base ?? null;
  const updates = await updatesOf(log, { consortium, open, ...cut });
  return { consortium, stage, open, cut: cut.op, seal, updates, before };
}

async function updatesOf(
  { entries }: ExaminedLog,
  round: {
    readonly consortium: SignedManifest;
    readonly open: Open;
    readonly op: Cut;
    readonly body: BlockBody;
  },
): Promise<UpdateFacts[]> {
  const { consortium, open, op, body } = round;
  const digests = envelopeDigests(body);
  const updates: UpdateFacts[] = [];
  for (const { env, peer } of op.updates) {
    const index = firstEntryOf(body) + digests.indexOf(env);
    const bytes = await entries.at(index);
    if (bytes === null) {
      throw new AuditorError(
        { code: 'damaged_file', file: `entry ${index}` },
        `entry ${index}, the update of ${peer}: damaged or missing; another copy of the log may have it`,
      );
    }
    const facts = readUpdate(consortium, open, bytes);
    invariant(facts.env === env || facts.author !== peer, 'a sound entry is what its block names');
    updates.push(facts);
  }
  return updates;
}

function noRound({ verdict }: ExaminedLog, round: number, outcome: string | null): AuditorError {
  const sealed = verdict.rounds.filter((one) => one.outcome === 'sealed').map((one) => one.round);
  const known =
    sealed.length === 0
      ? 'no round of this log has ended with a model'
      : `expected one of the ${sealed.length} that did, from ${sealed[0] ?? 0} to ${sealed.at(-1) ?? 0}`;
  const words: Readonly<Record<string, string>> = {
    void: 'it was given up (VOID) and made no model',
    open: 'it has not ended in this copy',
    cut: 'it has not ended in this copy',
    damaged: 'its blocks are damaged; "annulus audit verify" says where',
  };
  const why = outcome === null ? 'it is not in this log' : (words[outcome] ?? outcome);
  return new AuditorError({ code: 'no_round', round }, `round ${round}: ${why}; ${known}`);
}
