/** Models by digest: initial ones computed from the plan, sealed ones kept for ever and served to others. */
import { invariant, type Digest } from '../base/index.ts';
import type { BlobShelf } from '../gossip/index.ts';
import {
  decodeSafetensors,
  encodeCanonicalWeights,
  modelDigest,
  type ModelWeights,
} from '../weights/index.ts';
import type { PlanStage } from '../wire/index.ts';
import type { Trainer } from './trainer.ts';

export class ModelShelf {
  readonly #shelf: BlobShelf;
  readonly #trainer: Trainer;
  readonly #initial = new Map<string, { readonly digest: Digest; readonly weights: ModelWeights }>();

  constructor(shelf: BlobShelf, trainer: Trainer) {
    this.#shelf = shelf;
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

  async keep(weights: ModelWeights): Promise<Digest> {
    return this.#shelf.put(encodeCanonicalWeights(weights));
  }

  /** A model of `stage` by digest, parameters in the stage's order. @throws {GossipError} when nobody has it */
  async obtain(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    const initial = await this.initial(stage);
    if (this.initialDigest(stage) === digest) return initial;
    const bytesMax = encodeCanonicalWeights(initial).byteLength;
    const bytes = await this.#shelf.obtain(digest, bytesMax, null);
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
}
