/** Models by digest: initial ones computed from the plan, sealed ones kept and served to others. */
import { invariant, type Digest } from '../base/index.ts';
import type { BlobShelf, RoundOfBlob } from '../gossip/index.ts';
import {
  decodeSafetensors,
  encodeCanonicalWeights,
  modelDigest,
  type ModelWeights,
} from '../weights/index.ts';
import type { PlanStage } from '../wire/index.ts';
import type { Trainer } from './trainer.ts';

/** See the file's header. */
export class ModelShelf {
  readonly #shelf: BlobShelf;
  readonly #trainer: Trainer;
  readonly #round: () => number;
  readonly #initial = new Map<
    string,
    { readonly digest: Digest; readonly weights: ModelWeights }
  >();

  /** Hold-out losses by model digest: a round's base was the last round's result. */
  readonly #losses = new Map<Digest, number | null>();

  /** @param round the round under way: models that come now are kept with it */
  constructor(shelf: BlobShelf, trainer: Trainer, round: () => number) {
    this.#shelf = shelf;
    this.#round = round;
    this.#trainer = trainer;
  }

  /** What a stage starts from, computed once. */
  async initial(stage: PlanStage): Promise<ModelWeights> {
    const known = this.#initial.get(stage.id);
    if (known !== undefined) return known.weights;
    const weights = await this.#trainer.initialWeights(stage);
    this.#initial.set(stage.id, { digest: modelDigest(weights), weights });
    return weights;
  }

  /** Digest of a stage's initial model, or null before `initial` has run. */
  initialDigest(stage: PlanStage): Digest | null {
    return this.#initial.get(stage.id)?.digest ?? null;
  }

  /** Loss of a model on this hospital's hold-out, null when it has none; each model is tried once. */
  async holdOutLoss(
    stage: PlanStage,
    digest: Digest,
    weights: ModelWeights,
  ): Promise<number | null> {
    const known = this.#losses.get(digest);
    if (known !== undefined) return known;
    const loss = await this.#trainer.check(stage, weights);
    this.#losses.set(digest, loss);
    return loss;
  }

  async keep(weights: ModelWeights): Promise<Digest> {
    return this.#shelf.put(encodeCanonicalWeights(weights), this.#ofThisRound());
  }

  /** A model of `stage` by digest, parameters in the stage's order. @throws {GossipError} when nobody has it */
  async obtain(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    const initial = await this.initial(stage);
    if (this.initialDigest(stage) === digest) return initial;
    const bytesMax = encodeCanonicalWeights(initial).byteLength;
    const bytes = await this.#shelf.obtain(digest, bytesMax, null, this.#ofThisRound());
    const byName = new Map(decodeSafetensors(bytes).tensors.map((tensor) => [tensor.name, tensor]));
    return initial.map(({ name, shape }) => {
      const found = byName.get(name);
      // The digest was agreed by a quorum that computed it: another layout means our own plan differs.
      invariant(
        found?.data instanceof Float32Array && found.shape.join() === shape.join(),
        `the sealed model holds ${name}`,
      );
      return { name, shape, data: found.data };
    });
  }

  #ofThisRound(): RoundOfBlob {
    return { round: this.#round(), kind: 'model' };
  }
}
