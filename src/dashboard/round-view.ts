/** One round as this node saw it: who was asked, whose update came, who was left out and why. */
import type { NodeId } from '../base/index.ts';
import type { PeerEvent } from '../peer/index.ts';
import { linkWords } from './link-words.ts';
import type { MemberView } from './member-view.ts';
import type { RoundError } from './node-facts.ts';
import { bounded, viewLimits } from './view-limits.ts';

type EventOf<Kind extends PeerEvent['kind']> = Extract<PeerEvent, { kind: Kind }>;

/** A participant that is in the cut. */
export interface ContributorView {
  readonly node: NodeId;
  /** Null before the round is sealed. */
  readonly weight: number | null;
  /** Mean training loss; null where it did not say. */
  readonly loss: number | null;
}

/** A round under way, or one that ended. */
export interface RoundView {
  readonly round: number;
  readonly stage: string;
  readonly state: 'open' | 'cut' | 'sealed' | 'void';
  readonly participants: readonly NodeId[];
  /** Participants whose update is here. */
  readonly held: readonly NodeId[];
  readonly contributors: readonly ContributorView[];
  /** `why` in words that follow "left out of round 3: ". */
  readonly excluded: readonly { readonly node: NodeId; readonly why: string }[];
  /** Null where the round was heard of only at its end. */
  readonly openedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Of the block that ended it. */
  readonly height: number | null;
  /** Digest of the sealed model. */
  readonly model: string | null;
  /** Mean of the contributors' losses. */
  readonly loss: number | null;
  /** Encrypted bytes of all updates in the cut. */
  readonly updateBytes: number;
  /** Of a void round, in words. */
  readonly voidReason: string | null;
  readonly errors: readonly Omit<RoundError, 'round'>[];
}

const noRound: Omit<RoundView, 'round' | 'stage'> = {
  ...{ state: 'open', participants: [], held: [], contributors: [], excluded: [] },
  ...{ openedAtMs: null, endedAtMs: null, height: null, model: null, loss: null },
  ...{ updateBytes: 0, voidReason: null, errors: [] },
};

/** A round begins. */
export function openedRound({ round, stage, participants, atMs }: EventOf<'opened'>): RoundView {
  return { ...noRound, round, stage, participants, openedAtMs: atMs };
}

/** An update is here. @param member undefined while the node does not know who it is */
export function heldUpdate(
  current: RoundView | null,
  round: number,
  member: NodeId | undefined,
): RoundView | null {
  if (current?.round !== round || member === undefined) return current;
  if (!current.participants.includes(member) || current.held.includes(member)) return current;
  return { ...current, held: [...current.held, member] };
}

/** It is agreed whose updates enter the average. */
export function cutRound(
  current: RoundView | null,
  { round, nodes }: EventOf<'cut'>,
  members: readonly MemberView[],
): RoundView | null {
  if (current?.round !== round) return current;
  const contributors = nodes.map((node) => ({ node, weight: null, loss: null }));
  const missing = current.participants.filter((id) => !nodes.includes(id));
  return {
    ...current,
    state: 'cut',
    contributors,
    excluded: withReasons(missing, current, members),
  };
}

/** The round has a model. */
export function sealedRound(
  current: RoundView | null,
  event: EventOf<'sealed'>,
  members: readonly MemberView[],
): RoundView {
  const { round, stage, model, participants, height, atMs } = event;
  const known = current?.round === round ? current : { ...noRound, round, stage };
  const contributors = participants.map(({ node, weight, metricsMilli: { loss } }) => ({
    ...{ node, weight, loss: loss === undefined ? null : loss / 1000 },
  }));
  const losses = contributors.flatMap(({ loss }) => loss ?? []);
  return {
    ...known,
    ...{ state: 'sealed', model, height, endedAtMs: atMs, contributors },
    participants: [...participants.map(({ node }) => node), ...event.excluded].sort(),
    excluded: withReasons(event.excluded, known, members),
    loss: losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
    updateBytes: participants.reduce((sum, { updateBytes }) => sum + updateBytes, 0),
  };
}

/** What `VOID` gives as its reason, in words. */
const voidWords: Readonly<Record<string, string>> = {
  too_few_updates: 'too few hospitals had delivered an update when its time was over',
  rejected_model: 'the hospitals found the new model worse on cases held out, or were out of time',
  models_apart: 'the models that the hospitals exchanged stayed further apart than agreed',
  aggregation_failed: 'the average could not be computed in time',
};

/** The round ended without a model. */
export function voidRound(current: RoundView | null, event: EventOf<'void'>): RoundView {
  const { round, reason, height, atMs } = event;
  const known = current?.round === round ? current : { ...noRound, round, stage: '' };
  const voidReason = voidWords[reason] ?? reason;
  return { ...known, state: 'void', height, endedAtMs: atMs, voidReason };
}

/** The node knows better why a member was left out. */
export function leftOut(view: RoundView, round: number, member: NodeId, why: string): RoundView {
  if (view.round !== round || !view.excluded.some(({ node }) => node === member)) return view;
  const excluded = view.excluded.map((one) => (one.node === member ? { ...one, why } : one));
  return { ...view, excluded };
}

/** Ended rounds and one more. */
export function endedRounds(rounds: readonly RoundView[], ended: RoundView): readonly RoundView[] {
  return bounded([...rounds, ended], viewLimits.rounds);
}

/** Ended rounds with an error taken of one's model. */
export function withError(
  rounds: readonly RoundView[],
  { round, ...error }: RoundError,
): readonly RoundView[] {
  return rounds.map((view) => {
    if (view.round !== round) return view;
    const others = view.errors.filter(
      ({ task, unit }) => task !== error.task || unit !== error.unit,
    );
    return { ...view, errors: [...others, error] };
  });
}

/** Reasons that are known stay; others follow from the link as it is now. */
function withReasons(
  ids: readonly NodeId[],
  known: RoundView,
  members: readonly MemberView[],
): RoundView['excluded'] {
  return ids.map((node) => {
    const said = known.excluded.find((one) => one.node === node);
    if (said !== undefined) return said;
    const link = members.find(({ id }) => id === node)?.link ?? null;
    if (known.held.includes(node)) {
      return { node, why: 'its update came here, but not to enough members before the cut' };
    }
    const isAway = link !== null && link.state !== 'connected';
    const why = isAway
      ? `no update came; ${linkWords(link)}`
      : 'no update of it came before the cut';
    return { node, why };
  });
}
