/**
 * A round repeated by somebody who was not there: from the updates as the members stored them, with their keys, the model
 * is made again and compared with the one that SEAL names.
 *
 *   exact     every update is read, and the same average is made: the digests are equal, or the seal is false
 *   sharded   as exact, from the shards of every update
 *   mixing    members sealed one of their nearly equal models: the exact mean must be within the agreed bound of it
 */
import type { Digest, NodeId, Store } from '../base/index.ts';
import {
  averageRound,
  averagingRule,
  checkRoundUpdate,
  compareModels,
  contentName,
  fileDigest,
  startRound,
  type AveragingRule,
  type UpdateFacts,
  type UpdateFile,
} from '../gossip/index.ts';
import { cutSums } from '../peer/index.ts';
import {
  layoutOf,
  writeModel,
  type ModelLayout,
  type ModelWeights,
  type WrittenModel,
} from '../weights/index.ts';
import { bulkContext, type PlanStage, type SignedManifest } from '../wire/index.ts';
import { AuditorError } from './errors.ts';
import type { LoggedRound } from './logged-round.ts';
import { averageShards } from './replay-shards.ts';
import { damaged, filesMissing, refusal, type ReplayedCut } from './replayed-cut.ts';

/** What a round is repeated with. */
export interface ReplayPorts {
  /** Members' files, and room for what is made (`withMemberFiles`). */
  readonly store: Store;
  /** The key of an update; null when it is not known. */
  readonly keyOf: (update: UpdateFacts) => Promise<Uint8Array | null>;
  /** What a stage starts from. */
  readonly stageStart: (
    consortium: SignedManifest,
    stage: PlanStage,
    store: Store,
  ) => Promise<ModelWeights>;
}

/** How a repeated round compares with its SEAL. */
export interface Replay {
  /** The model is the sealed one, or within the bound of it; and the sums are those of SEAL. */
  readonly ok: boolean;
  readonly round: number;
  readonly stage: string;
  /** `exact`, `sharded` or `mixing`; `exact, trimmed-mean` with a robust rule. */
  readonly rule: string;
  /** Model that the round began with. */
  readonly base: Digest;
  readonly updates: readonly {
    readonly member: NodeId;
    readonly weight: number;
    readonly digest: Digest;
  }[];
  readonly sealed: Digest;
  /** The model that was made again. */
  readonly replayed: Digest;
  /** Of a mixing: how far the exact mean and the sealed model are apart in one parameter at most, and how far they may be. */
  readonly mixed: { readonly apart: number; readonly bound: number } | null;
  /** Whether sum of the weights and figures of SEAL follow from the envelopes. */
  readonly isSumRight: boolean;
  /** Names and shapes in the order of the updates' integers. */
  readonly layout: ModelLayout;
}

const work = 'work/replay/';
/** Where the model that was made again lies in the store. */
export const replayedName = 'work/replay/model';

/** Makes the model again, and compares. @throws {AuditorError} when something that it needs is not there, or is false */
export async function replayRound(round: LoggedRound, ports: ReplayPorts): Promise<Replay> {
  const { store } = ports;
  const { open, cut, seal, updates, consortium } = round;
  const rule = averagingRule(open.rule, consortium.manifest.members.length);
  const initial = await ports.stageStart(consortium, round.stage, store);
  const layout = layoutOf(initial);
  const { digest: first } = await writeModel(store, `${work}initial`, initial);
  await requireUpdates(round, store);
  const models = { store, first, round: open.r };
  const start = await startModel(round, layout, rule, models);
  const keys = await keysOf(updates, ports);
  const given = { round, layout, rule, start, keys };
  const made =
    open.rule.kind === 'sharded'
      ? await averageShards(store, given, replayedName)
      : await averageWhole(store, given);
  const sums = cutSums(cut, (env) => updates.find((one) => one.env === env) ?? null);
  const isSumRight =
    sums.W === seal.W &&
    Object.entries(sums.metrics).every(([name, value]) => seal.metrics[name] === value);
  const mixed = open.rule.kind === 'mixing' ? await mixedOf(models, layout, round) : null;
  const isModelRight = mixed === null ? made.digest === seal.agg : mixed.apart <= mixed.bound;
  return {
    ok: isModelRight && isSumRight,
    ...{ round: open.r, stage: open.stage, rule: ruleText(round), base: open.base },
    updates: updates.map(({ author, weight, upd }) => ({ member: author, weight, digest: upd })),
    ...{ sealed: seal.agg, replayed: made.digest, mixed, isSumRight, layout },
  };
}

function ruleText({ open: { rule } }: LoggedRound): string {
  return rule.kind === 'exact' && rule.robust ? `exact, ${rule.robust.kind}` : rule.kind;
}

/** Every update of the cut is here. Which, is said at once: fetching them one by one is tiresome. */
async function requireUpdates({ open, updates }: LoggedRound, store: Store): Promise<void> {
  const missing: string[] = [];
  for (const { author, upd } of updates) {
    if ((await store.size(contentName(upd))) === null) missing.push(`the update of ${author}`);
  }
  if (missing.length === 0) return;
  const advice =
    open.rule.kind === 'exact'
      ? 'members remove updates after peer.updateRoundsKept rounds (3 unless set): set it higher in node.yaml before the rounds that are to be repeated, and ask another member for its copy'
      : `in a round of rule ${open.rule.kind} each member keeps its own: name the folders of the others with --more`;
  throw filesMissing(open.r, missing, advice);
}

interface Models {
  readonly store: Store;
  /** Digest of what the stage starts from. */
  readonly first: Digest;
  readonly round: number;
}

/** The name of a model in the store, which has that digest. */
async function modelNamed({ store, first, round }: Models, digest: Digest): Promise<string> {
  if (digest === first) return `${work}initial`;
  const name = contentName(digest);
  if ((await store.size(name)) === null) {
    const advice =
      'members remove models after peer.modelRoundsKept rounds (3 unless set): set it higher in node.yaml before the rounds that are to be repeated, and ask another member for its copy';
    throw filesMissing(round, [`the model ${digest}`], advice);
  }
  if ((await fileDigest(store, name)) !== digest) throw damaged(name);
  return name;
}

async function startModel(
  { open, before }: LoggedRound,
  layout: ModelLayout,
  { outerMomentum: momentum }: AveragingRule,
  models: Models,
): Promise<string> {
  const base = await modelNamed(models, open.base);
  if (before === null || momentum === 0) return base;
  const into = `${work}start`;
  const earlier = await modelNamed(models, before);
  await startRound(models.store, { layout, base, before: earlier, momentum, into });
  return into;
}

async function keysOf(
  updates: readonly UpdateFacts[],
  ports: ReplayPorts,
): Promise<Map<NodeId, Uint8Array>> {
  const keys = new Map<NodeId, Uint8Array>();
  for (const update of updates) {
    const key = await ports.keyOf(update);
    if (key === null) {
      throw new AuditorError(
        { code: 'wrong_key', member: update.author },
        `the key of the update of ${update.author} is not among those given: expected one for each of ${updates.map(({ author }) => author).join(' ')}`,
      );
    }
    keys.set(update.author, key);
  }
  return keys;
}

async function averageWhole(
  store: Store,
  { round, layout, rule, start, keys }: ReplayedCut,
): Promise<WrittenModel> {
  const files: UpdateFile[] = [];
  for (const { author, upd, weight, heads, statement } of round.updates) {
    const file = {
      ...{ ciphertext: contentName(upd), digest: upd, weights: { weight, heads } },
      ...{ key: keys.get(author) ?? new Uint8Array(), context: bulkContext(statement) },
    };
    const { updateBytes } = statement;
    if ((await fileDigest(store, file.ciphertext)) !== upd) throw damaged(file.ciphertext);
    const found = await checkRoundUpdate(store, { ...file, layout, rule, updateBytes });
    if (found.kind !== 'fits') throw refusal(author, found);
    files.push(file);
  }
  const job = { layout, start, updates: files, rule, into: replayedName };
  const outcome = await averageRound(store, job);
  if (outcome.kind === 'damaged') throw damaged(contentName(outcome.digest));
  return outcome.model;
}

async function mixedOf(
  models: Models,
  layout: ModelLayout,
  { open, seal }: LoggedRound,
): Promise<Replay['mixed']> {
  const other = await modelNamed(models, seal.agg);
  const compared = await compareModels(models.store, { layout, own: replayedName, other });
  const bound = open.rule.kind === 'mixing' ? open.rule.epsilonNano / 1e9 : 0;
  return { apart: compared.kind === 'compared' ? compared.apart : Infinity, bound };
}
