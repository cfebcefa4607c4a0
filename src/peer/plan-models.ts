/** The models of a plan on one node: what its stages start from, and the latest sealed one of each. */
import { messageOf, type Digest, type Logger } from '../base/index.ts';
import type { ModelWeights } from '../weights/index.ts';
import type { Plan, PlanStage } from '../wire/index.ts';
import type { ChainState } from './chain.ts';
import type { ModelStore } from './model-store.ts';

/** See the file's header. */
export class PlanModels {
  readonly #plan: Plan;
  readonly #models: ModelStore;
  readonly #logger: Logger;
  #isComputing = false;
  #isCollecting = false;
  #isComplete = false;

  constructor(plan: Plan, models: ModelStore, logger: Logger) {
    this.#plan = plan;
    this.#models = models;
    this.#logger = logger;
  }

  /** A model of `stage` by digest, from the disk or the peers. @throws {GossipError} when nobody has it */
  read(stage: PlanStage, digest: Digest): Promise<ModelWeights> {
    return this.#models.read(stage, digest);
  }

  /** The name in the store of a model of `stage`, which is there then. @throws {GossipError} when nobody has it */
  nameOf(stage: PlanStage, digest: Digest): Promise<string> {
    return this.#models.obtain(stage, digest);
  }

  /** Latest sealed model of a stage; null before its first seal. @throws {GossipError} when nobody has it */
  async sealed(
    stage: string,
    { models }: Pick<ChainState, 'models'>,
  ): Promise<ModelWeights | null> {
    const digest = models.get(stage);
    const found = this.#plan.stages.find(({ id }) => id === stage);
    return digest === undefined || found === undefined ? null : this.read(found, digest);
  }

  /** Names in the store of the latest sealed models of the stages before the one under way, by stage. @throws {GossipError} when nobody has one of them */
  async teachers(state: Pick<ChainState, 'models' | 'stageIndex'>): Promise<Map<string, string>> {
    const teachers = new Map<string, string>();
    for (const stage of this.#plan.stages.slice(0, state.stageIndex)) {
      const digest = state.models.get(stage.id);
      if (digest !== undefined) teachers.set(stage.id, await this.#models.obtain(stage, digest));
    }
    return teachers;
  }

  /** What a stage starts from; null while that is not computed. */
  initialDigest(stage: PlanStage): Digest | null {
    return this.#models.initialDigest(stage);
  }

  /** Whether it is known what each stage starts from. */
  get areInitialsKnown(): boolean {
    return this.#plan.stages.every((stage) => this.initialDigest(stage) !== null);
  }

  /**
   * Computes what the stages start from, beside the peer's queue, unless that is under way. All stages, whatever the phase:
   * a seal may open the next one in the same block, also after a restart.
   *
   * @param onEnd gets the settled work: a failure is the peer's
   */
  computeInitials(onEnd: (work: Promise<void>) => void): void {
    if (this.#isComputing) return;
    this.#isComputing = true;
    const work = (async () => {
      for (const stage of this.#plan.stages) await this.#models.prepare(stage);
    })();
    const end = (): void => {
      onEnd(work);
    };
    work.then(end, end);
  }

  /** Whether `collect` has fetched all. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * Fetches the sealed models of rounds that this node was not there for: a node that is done holds them all. One that
   * nobody gives is logged and asked for by the next call.
   */
  collect(state: ChainState, onEnd: () => void): void {
    if (this.#isCollecting || this.#isComplete) return;
    this.#isCollecting = true;
    void this.teachers(state)
      .then(
        () => {
          this.#isComplete = true;
        },
        (error: unknown) => {
          const facts = { reason: messageOf(error) };
          this.#logger.log('warn', 'a sealed model is not here yet', facts);
        },
      )
      .finally(() => {
        this.#isCollecting = false;
        onEnd();
      });
  }
}
