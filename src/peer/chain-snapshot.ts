/**
 * The chain's state at one height, on the disk: a start folds the blocks after it instead of all of them. Own data, but
 * a disk may lie: a snapshot counts only if it fits the log, and without one all blocks are folded.
 */
import type { Digest, Height, RoundNumber, Store } from '../base/index.ts';
import {
  arr,
  decodeStrict,
  digest,
  encodeCanonical,
  int,
  obj,
  pair,
  paceRoundsMax,
  readOp,
  shortName,
  WireError,
  type Op,
  type SignedManifest,
  limits,
} from '../wire/index.ts';
import type { ChainState, Phase } from './chain.ts';

/** Where the snapshot lies in a node's store. */
export const snapshotName = 'chain.snapshot';
/** A snapshot is written every so many heights. */
export const snapshotHeights = 32;

const snapshotBytesMax = 256 * 1024;
const whole = int(0, Number.MAX_SAFE_INTEGER);
const digests = arr(pair(shortName, digest), 1_000);
const readSnapshot = obj({
  cid: digest,
  epoch: whole,
  height: whole,
  prev: digest,
  ts: whole,
  round: whole,
  stageIndex: whole,
  roundsSealed: whole,
  models: digests,
  bases: digests,
  pace: obj({ tookMs: arr(whole, paceRoundsMax), lacking: whole }),
  suspendedFrom: arr(pair(whole, whole), limits.membersMax),
  /** The round under way: nothing, its OPEN, or its OPEN and CUT. */
  ops: arr(readOp, 2),
});

/** Replaces the snapshot by this state. */
export async function writeSnapshot(store: Store, cid: Digest, state: ChainState): Promise<void> {
  const { phase, models, bases, suspendedFrom, ...rest } = state;
  const ops =
    phase.kind === 'open' ? [phase.open] : phase.kind === 'cut' ? [phase.open, phase.cut] : [];
  const lists = { models: [...models], bases: [...bases], suspendedFrom: [...suspendedFrom] };
  await store.write(snapshotName, encodeCanonical({ cid, ...rest, ...lists, ops }));
}

/** The state of the last snapshot of this consortium; null when there is none that can be read. */
export async function loadSnapshot(
  store: Store,
  cid: Digest,
  versions: readonly SignedManifest[],
): Promise<ChainState | null> {
  const bytes = await store.read(snapshotName);
  if (bytes === null) return null;
  try {
    const { ops, ...held } = readSnapshot(decodeStrict(bytes, { maxBytes: snapshotBytesMax }));
    const plan = versions[held.epoch]?.manifest.plan;
    if (held.cid !== cid || plan === undefined) return null;
    const phase = phaseOf(ops, held.stageIndex >= plan.stages.length);
    if (phase === null) return null;
    const { epoch, prev, ts, stageIndex, roundsSealed, pace } = held;
    return {
      ...{ epoch, prev, ts, stageIndex, roundsSealed, pace, phase },
      height: held.height as Height,
      round: held.round as RoundNumber,
      models: new Map(held.models),
      bases: new Map(held.bases),
      suspendedFrom: new Map(held.suspendedFrom),
    };
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

function phaseOf([open, cut]: readonly Op[], isPlanDone: boolean): Phase | null {
  if (open === undefined) return { kind: isPlanDone ? 'done' : 'idle' };
  if (open.op !== 'OPEN') return null;
  if (cut === undefined) return { kind: 'open', open };
  return cut.op === 'CUT' ? { kind: 'cut', open, cut } : null;
}
