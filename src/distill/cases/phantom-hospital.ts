/** A simulated hospital: phantoms from its scanner, marked by its annotator, put on its own disk. */
import { seededRandom } from '../../base/index.ts';
import {
  annotate,
  labelMap,
  makePhantom,
  taskIds,
  type Annotation,
  type AnnotatorSettings,
  type PhantomSettings,
  type ScannerSettings,
  type TaskId,
  type Truth,
  type Volume,
} from '../../data/index.ts';
import type { CaseSplit, CaseStore } from './case-store.ts';

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

/** How phantoms are made. */
export interface PhantomMaking {
  readonly seed: number;
  readonly phantom: PhantomSettings;
}

/** A phantom, and what the hospital's annotator marked in it. */
export interface MadePhantom {
  /** `L1-0003` */
  readonly id: string;
  readonly split: CaseSplit;
  readonly image: Volume;
  readonly truth: Truth;
  readonly annotation: Annotation;
  /** Tasks that it carries an expert's label for. */
  readonly labelled: readonly TaskId[];
}

/** The phantom at `index`, training cases first. The same seed gives the same bytes, in any order of making. */
export function phantomOf(
  hospital: PhantomHospital,
  index: number,
  { seed, phantom }: PhantomMaking,
): MadePhantom {
  const isTest = index >= trainingCount(hospital.cases);
  const random = seededRandom(seed).fork(`hospital/${hospital.id}/case/${index}`);
  const { image, truth } = makePhantom(random, phantom, hospital.scanner);
  return {
    id: idOf(hospital, index),
    split: isTest ? 'test' : 'train',
    ...{ image, truth },
    annotation: annotate(random.fork('annotator'), truth, hospital.annotator),
    labelled: taskIds.filter((task) => isTest || index < hospital.cases[task]),
  };
}

/**
 * Makes the case at `index` and writes it, unless it is there: teachers may have labelled it since.
 */
export async function makeCase(
  caseStore: CaseStore,
  hospital: PhantomHospital,
  index: number,
  settings: PhantomMaking & {
    readonly pointRadiusMm: number;
    /** Whether the case carries the heart's segmentation: the true one. */
    readonly heart: boolean;
  },
): Promise<void> {
  const isTest = index >= trainingCount(hospital.cases);
  if (await caseStore.has(isTest ? 'test' : 'train', idOf(hospital, index))) return;
  const { id, split, image, truth, annotation, labelled } = phantomOf(hospital, index, settings);
  const labels = Object.fromEntries(
    labelled.map((task) => [
      task,
      labelMap(task, annotation, truth.geometry, settings.pointRadiusMm),
    ]),
  );
  const origin = Object.fromEntries(labelled.map((task) => [task, 'expert'] as const));
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

function idOf({ id }: PhantomHospital, index: number): string {
  return `${id}-${String(index).padStart(4, '0')}`;
}

function trainingCount(cases: PhantomHospital['cases']): number {
  return Math.max(cases.hps, cases.ms, cases.calc) + cases.unlabelled;
}
