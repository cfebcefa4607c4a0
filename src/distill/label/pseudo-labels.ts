/**
 * Step B of the method: a hospital lets the sealed teachers label its own images. A task for which a case has an
 * expert's label keeps it. The label maps stay with the cases on the hospital's disk.
 */
import type { Engine } from '../../compute/index.ts';
import { tasks, type Case, type SoftLabelMap, type TaskId } from '../../data/index.ts';
import { argmaxLabels, type ChannelVolume, type ModelSpec } from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import type { CaseStore } from '../cases/case-store.ts';
import { predictLabelMaps, type InferenceSettings } from '../predict/inference.ts';
import { LoadedModel } from '../loaded-model.ts';
import type { PatchSize } from '../train/patch-size.ts';
import {
  softLabelOf,
  predictUncertain,
  wantsSoftLabels,
  type DistillationSettings,
} from './soft-labels.ts';

/** A sealed model of one task. */
export interface Teacher {
  readonly task: TaskId;
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
  /** Window: the patch that this teacher was trained on. */
  readonly window: PatchSize;
}

/**
 * Labels every training case that lacks a task's label. Goes on where it was interrupted: a case is written whole.
 * @returns how many label maps were added
 */
export async function labelCases(
  engine: Engine,
  caseStore: CaseStore,
  teachers: readonly Teacher[],
  settings: Omit<InferenceSettings, 'window'>,
  distillation: DistillationSettings,
  report: (progress: { readonly done: number; readonly total: number }) => void,
): Promise<number> {
  const ids = await caseStore.ids('train');
  const models = teachers.map(({ task, spec, weights, window }) => ({
    task,
    window,
    loaded: new LoadedModel(engine, spec, weights),
  }));
  let added = 0;
  try {
    for (const [index, id] of ids.entries()) {
      let held = await caseStore.read('train', id);
      const missing = models.filter(({ task }) => held.labels[task] === undefined);
      const before = held;
      for (const { task, window, loaded } of missing) {
        const inference = { ...settings, window };
        const input = caseStore.input(held, loaded.model.spec);
        const said = await ask(engine, loaded, task, input, held.id, inference, distillation);
        if (said !== null && isUsable(task, said.map)) {
          held = withLabel(held, task, said);
          added += 1;
        }
      }
      if (held !== before) await caseStore.write('train', held);
      report({ done: index + 1, total: ids.length });
    }
  } finally {
    for (const { loaded } of models) loaded.dispose();
  }
  return added;
}

/** A teacher's label map, and how sure it is where that is asked for. */
interface Answer {
  readonly map: Uint8Array;
  readonly softLabel: SoftLabelMap | null;
}

async function ask(
  engine: Engine,
  loaded: LoadedModel,
  task: TaskId,
  input: ChannelVolume,
  id: string,
  inference: InferenceSettings,
  distillation: DistillationSettings,
): Promise<Answer | null> {
  if (!wantsSoftLabels(distillation)) {
    const maps = await predictLabelMaps(engine, loaded, input, inference);
    const map = maps.get(task);
    return map === undefined ? null : { map, softLabel: null };
  }
  // The word is a part of the seed, which fixes the masks and transforms that are drawn.
  const seed = `opinion/${task}/${id}`;
  const heads = await predictUncertain(
    ...([engine, loaded, input, inference, distillation, seed] as const),
  );
  const uncertain = heads.get(task);
  if (uncertain === undefined) return null;
  return { map: argmaxLabels(uncertain.mean), softLabel: softLabelOf(uncertain) };
}

/**
 * A teacher that found none of a task's points says nothing of the case; background alone would teach the student that there is
 * nothing. An empty segmentation is an answer: a healthy valve has no calcium.
 */
function isUsable(task: TaskId, map: Uint8Array): boolean {
  return tasks[task].kind === 'segmentation' || map.some((value) => value > 0);
}

function withLabel(held: Case, task: TaskId, { map, softLabel }: Answer): Case {
  return {
    ...held,
    labels: { ...held.labels, [task]: map },
    origin: { ...held.origin, [task]: 'pseudo' },
    ...(softLabel === null ? {} : { softLabels: { ...held.softLabels, [task]: softLabel } }),
  };
}
