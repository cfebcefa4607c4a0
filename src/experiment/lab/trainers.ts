/** Who carries local training out: here this thread; `threaded-trainer.ts` has several, with the same numbers. */
import { invariant } from '../../base/index.ts';
import type { LabWorld } from './world.ts';

/** Trains the present nodes of a round, in the world's arena. */
export interface Trainer {
  train(round: number): Promise<void>;
  close(): Promise<void>;
}

/** What training needs of a world: a thread has it too. */
export type TrainedWorld = Pick<LabWorld, 'task' | 'models' | 'kept' | 'present'>;

/** A node's local steps of a round. */
export async function trainNode(world: TrainedWorld, round: number, node: number): Promise<void> {
  const [model, kept] = [world.models.of[node], world.kept.of[node]];
  invariant(model !== undefined && kept !== undefined, 'rows for each node');
  await world.task.train(round, node, { model, kept });
}

/** The present ones of the nodes from `from` on and before `to`, one after the other. */
export async function trainPresent(
  world: TrainedWorld,
  round: number,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  for (let node = from; node < to; node++) {
    if (world.present[node] === 1) await trainNode(world, round, node);
  }
}

/** In this thread. */
export function inlineTrainer(world: LabWorld): Trainer {
  return {
    train: (round) => trainPresent(world, round, { from: 0, to: world.settings.nodes }),
    close: () => Promise.resolve(),
  };
}
