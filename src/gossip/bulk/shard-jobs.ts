/**
 * The heavy work of a round in shards, over files of a store: the own update encrypted shard by shard, one shard of a cut
 * added up, the new model put together from all sums. The same integers as `round-jobs`, so the same model. Pure, and in
 * pieces.
 */
import type { Digest, Store } from '../../base/index.ts';
import { HashStream, sha256 } from '../../crypto/index.ts';
import {
  IntegerPacker,
  IntegerUnpacker,
  ModelReader,
  pieceValues,
  type ModelLayout,
  type WrittenModel,
} from '../../weights/index.ts';
import { updateWeights, type AveragingRule } from '../average/averaging-rule.ts';
import { segmentsOf, type UpdateWeights } from '../average/head-weights.ts';
import { RoundSum, type ValueRange } from '../average/round-sum.ts';
import { fileDigest, filePieces } from '../content/file-pieces.ts';
import { shardRange } from '../shards/shard-range.ts';
import { ownChange, type OwnChange } from './own-change.ts';
import { PackedFile } from './packed-file.ts';
import type { EncryptJob } from './round-jobs.ts';
import {
  eachValue,
  firstValues,
  formOf,
  isRefusal,
  isSound,
  writeTensors,
  type UpdateFile,
} from './update-file.ts';

/** What a participant encrypts after its training, as so many files as there are contexts. */
export interface EncryptShardsJob extends Omit<EncryptJob, 'context'> {
  /** What each shard is bound to, in order. */
  readonly contexts: readonly Uint8Array[];
}

/** The own update in shards. */
export interface EncryptedShards {
  /** Where each lies: `into` with the shard's number behind it. */
  readonly shards: readonly {
    readonly name: string;
    readonly digest: Digest;
    readonly bytes: number;
  }[];
  readonly weights: UpdateWeights;
  /** Parameters whose change was cut to the clamp. */
  readonly clampedCount: number;
}

/** One shard of a cut to add up. */
export interface ReduceJob {
  readonly layout: ModelLayout;
  /** The shard. */
  readonly range: ValueRange;
  /** This shard of every update in the cut; at least one. */
  readonly updates: readonly UpdateFile[];
  readonly rule: AveragingRule;
  /** Where the packed sum is left. */
  readonly into: string;
}

/** The sum, or the update whose file is not what its digest names any more. */
export type ReduceOutcome =
  | { readonly kind: 'reduced'; readonly sum: { readonly digest: Digest; readonly bytes: number } }
  | { readonly kind: 'damaged'; readonly digest: Digest };

/** The packed sum of one shard, as a reducer made it. */
export interface SumFile {
  readonly name: string;
  readonly digest: Digest;
  readonly range: ValueRange;
}

/** All sums of a round, to be made its model. */
export interface AssembleJob {
  readonly layout: ModelLayout;
  /** Canonical file of the model where all began. */
  readonly start: string;
  /** One for each shard, in order: together the whole vector. */
  readonly sums: readonly SumFile[];
  /** What each update in the cut counts. */
  readonly weights: readonly UpdateWeights[];
  readonly rule: AveragingRule;
  /** Where the new model is left. */
  readonly into: string;
}

/** The new model, or why there is none: the place in `sums` of one that is no sum of such updates, or that a disk damaged. */
export type AssembleOutcome =
  | { readonly kind: 'averaged'; readonly model: WrittenModel }
  | { readonly kind: 'bad'; readonly at: number; readonly reason: string }
  | { readonly kind: 'damaged'; readonly at: number };

/** As `encryptRoundUpdate`, one file for each shard. @throws {WeightsError} as there */
export async function encryptShards(store: Store, job: EncryptShardsJob): Promise<EncryptedShards> {
  const segments = segmentsOf(job.layout);
  const weights = updateWeights(segments, job.trained, job.rule);
  const change = await ownChange(store, job, weights);
  const files = new ShardFiles(store, job, segments.at(-1)?.end ?? 0, change);
  try {
    for await (const values of change.values) await files.push(values);
    const shards = await files.end();
    await change.end();
    return { shards, weights, ...change.counts };
  } catch (error) {
    await files.discard();
    throw error;
  }
}

/** Adds up one shard. @throws {WeightsError} and {CryptoError} when an update is not one that `checkRoundUpdate` lets pass */
export async function reduceShard(store: Store, job: ReduceJob): Promise<ReduceOutcome> {
  const { layout, rule, range } = job;
  const form = formOf({ layout, rule });
  const sum = new RoundSum(form.segments, rule, range);
  for (const update of job.updates) {
    try {
      const underWay = sum.begin(update.weights);
      await eachValue(store, { ...update, range }, form, (values) => {
        underWay.add(values);
      });
      underWay.end();
    } catch (error) {
      if (!isRefusal(error) || (await isSound(store, update))) throw error;
      return { kind: 'damaged', digest: update.digest };
    }
  }
  const file = await PackedFile.create(store, job.into, new IntegerPacker(), null);
  try {
    const { values } = sum;
    for (let at = 0; at < values.length; at += pieceValues) {
      await file.push(values.subarray(at, at + pieceValues));
    }
    return { kind: 'reduced', sum: await file.commit() };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** The new model, to the same bytes as `averageRound` over the updates that the sums are of. */
export async function assembleRound(store: Store, job: AssembleJob): Promise<AssembleOutcome> {
  const { layout, rule } = job;
  const sum = new RoundSum(segmentsOf(layout), rule);
  for (const weights of job.weights) sum.count(weights);
  for (const [at, file] of job.sums.entries()) {
    const reason = await takeSum(store, file, sum);
    if (reason === null) continue;
    if ((await fileDigest(store, file.name)) !== file.digest) return { kind: 'damaged', at };
    return { kind: 'bad', at, reason };
  }
  const start = await ModelReader.open(store, job.start, layout);
  const firsts = firstValues(layout);
  const model = await writeTensors(store, job.into, layout, async (tensor, at, count) => {
    return sum.applyTo(await start.read(tensor, at, count), (firsts[tensor] ?? 0) + at);
  });
  return { kind: 'averaged', model };
}

/** Why the sum of a shard cannot be taken; null when it was. Nothing but its digest shows that a disk has changed it. */
async function takeSum(store: Store, file: SumFile, sum: RoundSum): Promise<string | null> {
  const { name, digest, range } = file;
  const hash = new HashStream();
  const unpacker = new IntegerUnpacker(range.end - range.start, (values, start) => {
    sum.take(values, range.start + start);
  });
  try {
    for await (const piece of filePieces(store, name)) {
      hash.update(piece);
      unpacker.push(piece);
    }
    unpacker.end();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return error.message;
  }
  return hash.digest() === digest ? null : 'its bytes do not have its digest';
}

/** The files of an update in shards, one after the other. */
class ShardFiles {
  readonly #store: Store;
  readonly #job: EncryptShardsJob;
  readonly #valueCount: number;
  readonly #done: { name: string; digest: Digest; bytes: number }[] = [];
  readonly #change: OwnChange;
  #current: PackedFile<Int32Array | Float32Array> | null = null;
  #at = 0;

  constructor(store: Store, job: EncryptShardsJob, valueCount: number, change: OwnChange) {
    this.#change = change;
    this.#store = store;
    this.#job = job;
    this.#valueCount = valueCount;
  }

  async push(values: Int32Array | Float32Array): Promise<void> {
    let rest = values;
    while (rest.length > 0) {
      const { end } = await this.#ready();
      const part = rest.subarray(0, end - this.#at);
      await this.#current?.push(part);
      this.#at += part.length;
      rest = rest.subarray(part.length);
    }
  }

  async end(): Promise<{ name: string; digest: Digest; bytes: number }[]> {
    while (this.#done.length < this.#job.contexts.length) {
      this.#current ??= await this.#open();
      await this.#finish();
    }
    return this.#done;
  }

  async discard(): Promise<void> {
    await this.#current?.discard();
    for (const { name } of this.#done) await this.#store.remove(name);
  }

  /** A file for the next value. A model with fewer values than shards leaves some of them empty. */
  async #ready(): Promise<ValueRange> {
    for (;;) {
      const range = this.#range();
      this.#current ??= await this.#open();
      if (this.#at < range.end) return range;
      await this.#finish();
    }
  }

  #range(): ValueRange {
    const { contexts, rule } = this.#job;
    return shardRange(this.#valueCount, contexts.length, this.#done.length, rule);
  }

  #open(): Promise<PackedFile<Int32Array | Float32Array>> {
    const { contexts, key, salt } = this.#job;
    const shard = this.#done.length;
    const context = contexts[shard] ?? new Uint8Array(0);
    // One salt each, of one that nobody can guess: no two shards share what they are encrypted with.
    const own = sha256(salt, Uint8Array.of(shard)).subarray(0, salt.byteLength);
    const packer = this.#change.packerAt(this.#range().start);
    return PackedFile.create(this.#store, this.#nameOf(shard), packer, { key, context, salt: own });
  }

  async #finish(): Promise<void> {
    const name = this.#nameOf(this.#done.length);
    const written = await this.#current?.commit();
    this.#current = null;
    if (written !== undefined) this.#done.push({ name, ...written });
  }

  #nameOf(shard: number): string {
    return `${this.#job.into}-${shard}`;
  }
}
