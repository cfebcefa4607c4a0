/** Models as files of this node's store: initial ones as the plan makes them, sealed ones kept and served to others. */
import type { Digest, Store } from '../base/index.ts';
import { contentName, type ContentStore, type RoundOfBlob } from '../gossip/index.ts';
import {
  modelFileBytes,
  readModel,
  type ModelLayout,
  type ModelWeights,
  type WrittenModel,
} from '../weights/index.ts';
import type { PlanStage } from '../wire/index.ts';
import type { InitialModel, Trainer } from './trainer.ts';

/** What a `ModelStore` works with. */
export interface ModelStorePorts {
  readonly store: Store;
  readonly content: ContentStore;
  readonly trainer: Pick<Trainer, 'initialModel' | 'check'>;
  /** The round under way: models that come now are kept with it. */
  readonly round: () => number;
}

/** Losses remembered; all are forgotten at the limit. A round asks for two. */
const lossesMax = 64;

/** See the file's header. A model is known by its digest and lies under the name that `obtain` gives. */
export class ModelStore {
  readonly #ports: ModelStorePorts;
  readonly #initial = new Map<string, InitialModel>();
  /** Hold-out losses by model digest: a round's base was the last round's result. */
  readonly #losses = new Map<Digest, number | null>();

  constructor(ports: ModelStorePorts) {
    this.#ports = ports;
  }

  /** Digest of what a stage starts from, or null before `prepare` has run. */
  initialDigest(stage: PlanStage): Digest | null {
    return this.#initial.get(stage.id)?.digest ?? null;
  }

  /** Makes what a stage starts from, once. */
  async prepare(stage: PlanStage): Promise<void> {
    await this.#initialOf(stage);
  }

  /** Names and shapes of a stage's model. */
  async layout(stage: PlanStage): Promise<ModelLayout> {
    return (await this.#initialOf(stage)).layout;
  }

  /** Loss of a model on this hospital's hold-out, null when it has none; a model is not tried again soon. */
  async holdOutLoss(stage: PlanStage, digest: Digest, name: string): Promise<number | null> {
    const known = this.#losses.get(digest);
    if (known !== undefined) return known;
    const loss = await this.#ports.trainer.check(stage, name);
    if (this.#losses.size >= lossesMax) this.#losses.clear();
    this.#losses.set(digest, loss);
    return loss;
  }

  /** Keeps a model that this node's own work left in the store under `name`; it is not there afterwards. */
  async adopt(name: string, model: WrittenModel): Promise<void> {
    await this.#ports.content.adopt(name, model, this.#ofThisRound());
  }

  /** The name of a model of `stage`, which is on the disk then, sound. @throws {GossipError} when nobody has it */
  async obtain(stage: PlanStage, digest: Digest): Promise<string> {
    const initial = await this.#initialOf(stage);
    if (initial.digest === digest) return initialName(stage);
    const bytesMax = modelFileBytes(initial.layout);
    await this.#ports.content.obtain(digest, bytesMax, null, this.#ofThisRound());
    return contentName(digest);
  }

  /** A whole model, for those who look at it on this thread. @throws {GossipError} when nobody has it */
  async read(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    const name = await this.obtain(stage, digest);
    return readModel(this.#ports.store, name, await this.layout(stage));
  }

  async #initialOf(stage: PlanStage): Promise<InitialModel> {
    const known = this.#initial.get(stage.id);
    if (known !== undefined) return known;
    const made = await this.#ports.trainer.initialModel(stage, initialName(stage));
    this.#initial.set(stage.id, made);
    return made;
  }

  #ofThisRound(): RoundOfBlob {
    return { round: this.#ports.round(), kind: 'model' };
  }
}

function initialName({ id }: PlanStage): string {
  return `initial/${id}`;
}
