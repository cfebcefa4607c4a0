/** A simulated hospital: phantoms from its scanner, marked by its annotator, put on its own disk. */
import { seededRandom } from '../../base/index.ts';
import {
  annotate,
  labelMap,
  makePhantom,
  taskIds,
  type AnnotatorSettings,
  type PhantomSettings,
  type ScannerSettings,
  type TaskId,
} from '../../data/index.ts';
import type { CaseStore } from './case-store.ts';

/** What one simulated hospital has. */
export interface PhantomHospital {
  readonly id: string;
  /** Labels are nested: the first `hps` cases carry hps, the first `ms` cases ms, and so on. */
  readonly cases: Readonly<Record<TaskId | 'unlabelled' | 'test', number>>;
  readonly scanner: ScannerSettings;
  readonly annotator: AnnotatorSettings;
}

/** Cases a hospital has to make, training cases first. */
export function caseCount({ cases }: PhantomHospital): number {
  return trainingCount(cases) + cases.test;
}

/**
 * Makes the case at `index` and writes it, unless it is there: teachers may have labelled it since. The same seed gives
 * the same bytes, in any order of making.
 */
export async function makeCase(
  caseStore: CaseStore,
  hospital: PhantomHospital,
  index: number,
  settings: {
    readonly seed: number;
    readonly phantom: PhantomSettings;
    readonly pointRadiusMm: number;
    /** Whether the case carries the heart's segmentation: the true one. */
    readonly heart: boolean;
  },
): Promise<void> {
  const isTest = index >= trainingCount(hospital.cases);
  const id = `${hospital.id}-${String(index).padStart(4, '0')}`;
  const split = isTest ? 'test' : 'train';
  if (await caseStore.has(split, id)) return;
  const random = seededRandom(settings.seed).fork(`hospital/${hospital.id}/case/${index}`);
  const { image, truth } = makePhantom(random, settings.phantom, hospital.scanner);
  const annotation = annotate(random.fork('annotator'), truth, hospital.annotator);
  const held = taskIds.filter((task) => isTest || index < hospital.cases[task]);
  const labels = Object.fromEntries(
    held.map((task) => [task, labelMap(task, annotation, truth.geometry, settings.pointRadiusMm)]),
  );
  const origin = Object.fromEntries(held.map((task) => [task, 'expert'] as const));
  if (isTest) await caseStore.writeTruth(id, truth);
  await caseStore.write(split, {
    id,
    image,
    labels,
    origin,
    ...(settings.heart ? { heart: truth.heart } : {}),
    ...(isTest ? { points: annotation.points } : {}),
  });
}

function trainingCount(cases: PhantomHospital['cases']): number {
  return Math.max(cases.hps, cases.ms, cases.calc) + cases.unlabelled;
}
