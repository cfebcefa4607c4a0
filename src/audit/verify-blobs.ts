/**
 * A node's blobs against its log. In a round in shards an update is a list of shards, which are blobs too; the sums of shards
 * stand in no decision, for whoever has the updates can make them again. Updates and models lie under the digest they are named by. Nodes keep those of the
 * last rounds only, so what lacks of older rounds is no fault. A member's own update must be there as long as its younger
 * or older neighbours are; the others' updates need not be: who was away in a round never held them.
 */
import type { Digest, NodeId } from '../base/index.ts';
import {
  decodeShardList,
  WireError,
  type BlockBody,
  type CutUpdate,
  type SignedManifest,
} from '../wire/index.ts';
import { envelopeDigests } from './log-files.ts';
import type { Report } from './verdict.ts';

/** The files under `blobs/` of a node. */
export interface BlobFolder {
  /** All file names in it. */
  list(): Promise<string[]>;
  /** SHA-256 of a file's bytes; `null` when it is gone. */
  digest(name: string): Promise<Digest | null>;
  /** A small file's bytes; `null` when it is gone. */
  read(name: string): Promise<Uint8Array | null>;
}

/** What was found of a node's blobs. */
export interface BlobCount {
  /** Files whose bytes have the digest they are named by. */
  readonly sound: number;
  /** Of these, files that no decision names: updates that came too late. */
  readonly unnamed: number;
  /** Rounds of which no update is kept. */
  readonly roundsNotKept: readonly number[];
  /** Updates and models that lack though nothing says that this node ever held them. */
  readonly notHere: number;
}

interface CutRound {
  readonly round: number;
  readonly isSharded: boolean;
  readonly updates: readonly CutUpdate[];
}

/** Checks the blobs of `member`, whose log holds `bodies`. */
export async function verifyBlobs(
  folder: BlobFolder,
  log: {
    readonly member: NodeId;
    readonly consortium: SignedManifest;
    readonly bodies: readonly BlockBody[];
  },
  report: Report,
): Promise<BlobCount> {
  const held = new Set<string>();
  const listed = new Set(await folder.list());
  for (const name of listed) {
    const digest = await folder.digest(name);
    if (digest === name) held.add(name);
    else report.findShared(`blobs/${name}`, 'its bytes do not have the digest it is named by');
  }
  const cuts = cutsOf(log.bodies);
  // A blob that was changed is listed: it is a fault already, and not a second one as missing.
  const notKept = roundsNotKept(cuts, listed, lastRoundOf(log.bodies));
  const lost: string[] = [];
  let notHere = 0;
  const look = (digest: Digest, isOwed: boolean, what: string): void => {
    if (listed.has(digest)) return;
    if (isOwed) lost.push(`${what} (${digest.slice(0, 8)}…)`);
    else notHere += 1;
  };
  const shards = new Set<string>();
  for (const { round, updates, isSharded } of cuts) {
    if (notKept.includes(round)) continue;
    for (const { peer, upd } of updates) {
      const isOwn = peer === log.member;
      look(upd, isOwn, `the update of ${peer} in round ${round}`);
      if (!isSharded || !held.has(upd)) continue;
      for (const [at, digest] of (await shardsOf(folder, upd, report)).entries()) {
        shards.add(digest);
        // Of the others' updates a member holds the shards that it adds up.
        if (isOwn) look(digest, true, `shard ${at} of its update in round ${round}`);
      }
    }
  }
  // A peer is done when it holds the last model of every stage; before that it may still have to fetch one.
  const isDone = isPlanDone(log);
  for (const [stage, model] of sealedModels(log.bodies)) {
    look(model, isDone, `the last model of ${stage}`);
  }
  if (lost.length > 0) {
    const more = lost.length > 3 ? ` and ${lost.length - 3} more` : '';
    const shown = `${lost.slice(0, 3).join(', ')}${more}`;
    report.find('blobs', `${log.member} lacks what it must hold: ${shown}`);
  }
  const named = namedBy(log.bodies);
  const unnamed = [...held].filter((name) => !named.has(name) && !shards.has(name)).length;
  return { sound: held.size, unnamed, roundsNotKept: notKept, notHere };
}

/** What the list of an update names; nothing, and a finding, when it is no list. */
async function shardsOf(folder: BlobFolder, list: Digest, report: Report): Promise<Digest[]> {
  const bytes = await folder.read(list);
  try {
    return decodeShardList(bytes ?? new Uint8Array(0), null).map(({ digest }) => digest);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    report.findShared(`blobs/${list}`, 'it is no list of the shards of an update');
    return [];
  }
}

/** Every round that was cut, in order. */
function cutsOf(bodies: readonly BlockBody[]): CutRound[] {
  let isSharded = false;
  return bodies.flatMap(({ ops }) =>
    ops.flatMap((op) => {
      if (op.op === 'OPEN') isSharded = op.rule.kind === 'sharded';
      return op.op === 'CUT' ? [{ round: op.r, updates: op.updates, isSharded }] : [];
    }),
  );
}

/**
 * Rounds at the beginning of which nothing is there. A gap between rounds that are there is no pruning; nor is the round
 * under way ever pruned.
 */
function roundsNotKept(
  cuts: readonly CutRound[],
  listed: ReadonlySet<string>,
  lastRound: number,
): number[] {
  const first = cuts.findIndex(
    ({ round, updates }) => round === lastRound || updates.some(({ upd }) => listed.has(upd)),
  );
  return cuts.slice(0, first < 0 ? cuts.length : first).map(({ round }) => round);
}

function lastRoundOf(bodies: readonly BlockBody[]): number {
  return Math.max(0, ...bodies.flatMap(({ ops }) => ops.map((op) => ('r' in op ? op.r : 0))));
}

/** The last sealed model of each stage. */
function sealedModels(bodies: readonly BlockBody[]): Map<string, Digest> {
  const models = new Map<string, Digest>();
  let stage = '';
  for (const op of bodies.flatMap(({ ops }) => ops)) {
    if (op.op === 'OPEN') stage = op.stage;
    if (op.op === 'SEAL') models.set(stage, op.agg);
  }
  return models;
}

/** Whether the log says that every round of the plan is sealed. */
function isPlanDone({
  consortium,
  bodies,
}: {
  readonly consortium: SignedManifest;
  readonly bodies: readonly BlockBody[];
}): boolean {
  const seals = bodies.flatMap(({ ops }) => ops.filter(({ op }) => op === 'SEAL')).length;
  const { stages } = consortium.manifest.plan;
  return seals === stages.reduce((sum, { rounds }) => sum + rounds, 0);
}

function namedBy(bodies: readonly BlockBody[]): Set<string> {
  return new Set(
    bodies.flatMap((body) => [
      ...envelopeDigests(body),
      ...body.ops.flatMap((op) => {
        if (op.op === 'CUT') return op.updates.map(({ upd }) => upd);
        if (op.op === 'MEMBER') return [op.manifest];
        return op.op === 'SEAL' ? [op.agg] : [];
      }),
    ]),
  );
}
