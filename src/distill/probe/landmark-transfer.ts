/** The downstream test: a landmark that no task taught, learnt by a probe on a frozen backbone from a few phantoms. */
import { invariant } from '../../base/index.ts';
import type { Engine } from '../../compute/index.ts';
import { paintSpheres, pointsOf, type LandmarkName, type Truth } from '../../data/index.ts';
import { distance, type ModelSpec } from '../../models/index.ts';
import type { ModelWeights } from '../../weights/index.ts';
import type { CaseStore } from '../cases/case-store.ts';
import { predictLabelMaps, type InferenceSettings } from '../predict/inference.ts';
import { Probe, type ProbeTraining } from './probe.ts';
import { foregroundOf, type TrainingCase } from '../train/patch-sampler.ts';

/** A finished model, the landmark to learn, and how. */
export interface LandmarkTransfer {
  /** The finished model. */
  readonly spec: ModelSpec;
  readonly weights: ModelWeights;
  readonly landmark: LandmarkName;
  /** So many of the held-out cases train the probe, the first; the others are searched. */
  readonly trainingCount: number;
  readonly training: ProbeTraining;
  readonly pointRadiusMm: number;
  readonly inference: InferenceSettings;
}

/** Where a probe put the landmark in one case it was not trained on. */
export interface LandmarkFound {
  readonly id: string;
  /** Distance in mm to the true place; null when it was not found. */
  readonly errorMm: number | null;
}

/** Trains the probe and searches for the landmark in the cases that it has not seen. */
export async function transferLandmark(
  engine: Engine,
  caseStore: CaseStore,
  transfer: LandmarkTransfer,
  report: (done: number, total: number) => void,
): Promise<LandmarkFound[]> {
  const { spec, weights, landmark, trainingCount, training, inference } = transfer;
  const ids = await caseStore.ids('test');
  const probe = new Probe(engine, { spec, weights, head: landmark, classes: 2 }, training.seed);
  const searched = ids.slice(trainingCount);
  const total = training.steps + searched.length;
  try {
    const cases: TrainingCase[] = [];
    for (const id of ids.slice(0, trainingCount))
      cases.push(await labelled(caseStore, id, transfer));
    await probe.train(cases, training, (step) => {
      report(step, total);
    });
    const found: LandmarkFound[] = [];
    for (const id of searched) {
      const held = await caseStore.read('test', id);
      const landmarks = await landmarksOf(caseStore, id);
      const input = caseStore.input(held, spec);
      const maps = await predictLabelMaps(engine, probe, input, inference);
      const nothing = new Uint8Array(held.image.data.length);
      const [place] = pointsOf(maps.get(landmark) ?? nothing, held.image, 1);
      found.push({ id, errorMm: place ? distance(place, landmarks[landmark]) : null });
      report(training.steps + found.length, total);
    }
    return found;
  } finally {
    probe.dispose();
  }
}

async function landmarksOf(caseStore: CaseStore, id: string): Promise<Truth['landmarks']> {
  const truth = await caseStore.readTruth(id);
  invariant(truth !== null, 'a landmark that no task teaches is known of phantoms alone');
  return truth.landmarks;
}

/** A held-out case with the true landmark as its one label. */
async function labelled(
  caseStore: CaseStore,
  id: string,
  { landmark, pointRadiusMm }: LandmarkTransfer,
): Promise<TrainingCase> {
  const held = await caseStore.read('test', id);
  const landmarks = await landmarksOf(caseStore, id);
  const map = paintSpheres([landmarks[landmark]], held.image, pointRadiusMm);
  return {
    id,
    shape: held.image.shape,
    image: caseStore.normalised(held),
    ...(held.heart === undefined ? {} : { heart: held.heart }),
    labels: new Map([[landmark, map]]),
    foreground: new Map([[landmark, foregroundOf(map)]]),
  };
}
