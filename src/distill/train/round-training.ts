/** One hospital's share of a round: its budget of steps from the agreed model, on its own cases. */
import { seededRandom } from '../../base/index.ts';
import type { Engine } from '../../compute/index.ts';
import type { TaskId } from '../../data/index.ts';
import type { ModelSpec } from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import { DistillError } from '../errors.ts';
import { heartHead, heartUseOf } from '../heart-map.ts';
import { Learner } from './learner.ts';
import type { OptimiserState } from './optimiser.ts';
import { drawPatch, drawSource, type TrainingCase } from './patch-sampler.ts';
import { sizeFor, type PatchSize } from './patch-size.ts';
import type { OptimiserSettings, SamplingSettings } from '../settings.ts';

/** What a hospital is asked to train in one round. */
export interface RoundTraining {
  readonly spec: ModelSpec;
  readonly tasks: readonly TaskId[];
  readonly weights: ModelWeights;
  /** Moments from this hospital's last round of the stage, or null. */
  readonly state: OptimiserState | null;
  readonly steps: number;
  readonly batch: number;
  readonly patch: PatchSize;
  readonly optimiser: OptimiserSettings;
  readonly sampling: SamplingSettings;
  /** Fixes which cases, patches and augmentations are drawn. */
  readonly seed: string;
}

/** What came of it; `state` stays at the hospital. */
export interface RoundTrained {
  readonly weights: ModelWeights;
  readonly state: OptimiserState;
  readonly samples: number;
  /** Cases with a label of each head; 0 for a head that no step of this round saw a label of, so that it is untouched. */
  readonly heads: Readonly<Record<string, number>>;
  /** Mean loss over the steps. */
  readonly loss: number;
}

/**
 * Trains a budget of steps from the round's model. The same cases, round and backend give the same bytes.
 *
 * @param report called after each step, from 1, with the loss before it
 * @throws {ComputeError} what the device reported; {DistillError} 'no_cases' without a labelled case, 'no_heart' when a model
 * that needs the heart meets a case without, 'diverged' when a loss or a weight is not finite
 */
export async function trainRound(
  engine: Engine,
  cases: readonly TrainingCase[],
  round: RoundTraining,
  report: (step: number, loss: number) => void,
): Promise<RoundTrained> {
  if (cases.length === 0) {
    throw new DistillError(
      { code: 'no_cases', tasks: round.tasks },
      `no case has a label for ${round.tasks.join(', ')}`,
    );
  }
  const random = seededRandom(round.seed);
  const learner = new Learner(engine, round.spec, round.weights, round.state);
  const heartUse = heartUseOf(round.spec);
  const seen = new Set<string>();
  try {
    let total = 0;
    for (let step = 0; step < round.steps; step++) {
      const patches = Array.from({ length: round.batch }, () => {
        const { foregroundShare } = round.sampling;
        const from = drawSource(cases, round.tasks, random, foregroundShare);
        const size = sizeFor(round.patch, from.source.shape, round.spec);
        return drawPatch(from, round.tasks, size, random, round.sampling, heartUse);
      });
      for (const { labels } of patches) for (const task of labels.keys()) seen.add(task);
      const seed = random.uint32() % 2 ** 30;
      const loss = await learner.step(patches, round.optimiser, seed);
      // A graphics card fails behind the program's back; its numbers may still look fine.
      engine.check();
      if (!Number.isFinite(loss)) throw diverged(step);
      total += loss;
      report(step + 1, loss);
    }
    const weights = await learner.loaded.weights();
    // The last step's loss was taken before it: what that step made of the weights is seen only here.
    if (!weights.every(({ data }) => data.every(Number.isFinite))) throw diverged(round.steps);
    return {
      weights,
      state: await learner.optimiserState(),
      samples: cases.length,
      heads: Object.fromEntries(
        Object.keys(round.spec.heads).map((head) => [
          head,
          seen.has(head) ? cases.filter((one) => hasLabel(one, head)).length : 0,
        ]),
      ),
      loss: total / round.steps,
    };
  } finally {
    learner.dispose();
  }
}

function hasLabel({ labels, heart }: TrainingCase, head: string): boolean {
  return head === heartHead ? heart !== undefined : labels.has(head);
}

function diverged(step: number): DistillError {
  return new DistillError(
    { code: 'diverged', step },
    `training left the finite numbers at step ${step}: lower the learning rate`,
  );
}
