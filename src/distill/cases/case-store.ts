/**
 * A hospital's cases on its own disk. `train/<id>.case` holds an image with its expert and pseudo label maps,
 * `test/<id>.case` a held-out one with the annotator's points, `truth/<id>.truth` what is truly there (phantoms only).
 * Nothing of this ever leaves the hospital.
 */
import { invariant, type Store } from '../../base/index.ts';
import {
  decodeCase,
  decodeTruth,
  encodeCase,
  encodeTruth,
  normalise,
  type Case,
  type IntensityScale,
  type LabelOrigin,
  type TaskId,
  type Truth,
} from '../../data/index.ts';
import type { ChannelVolume, ModelSpec } from '../../models/index.ts';
import { modelInput } from '../model-input.ts';
import { foregroundOf, type SoftMaps, type TrainingCase } from '../train/patch-sampler.ts';
import {
  distillationDefaults,
  voxelWeights,
  type DistillationSettings,
} from '../label/soft-labels.ts';

/** What a case is for: to train on, or held out. */
export type CaseSplit = 'train' | 'test';

interface LoadedCase {
  readonly case: TrainingCase;
  readonly origin: Case['origin'];
}

/**
 * Cases of one hospital in its `Store`. Training cases are kept in memory once they are read, so that rounds do not read them again.
 *
 * @throws {DataError} by every method that reads, for a file that is not what this program wrote
 */
export class CaseStore {
  readonly #store: Store;
  readonly #intensity: IntensityScale;
  readonly #loaded = new Map<string, LoadedCase>();

  constructor(store: Store, intensity: IntensityScale) {
    this.#store = store;
    this.#intensity = intensity;
  }

  /** Ids of the cases there, sorted. */
  async ids(split: CaseSplit): Promise<string[]> {
    const names = await this.#store.list(`${split}/`);
    return names
      .filter((name) => name.endsWith('.case'))
      .map((name) => name.slice(split.length + 1, -'.case'.length));
  }

  has(split: CaseSplit, id: string): Promise<boolean> {
    return this.#store.has(`${split}/${id}.case`);
  }

  async read(split: CaseSplit, id: string): Promise<Case> {
    const bytes = await this.#store.read(`${split}/${id}.case`);
    invariant(bytes !== null, `case ${id} is among those to ${split}`);
    return decodeCase(bytes);
  }

  async write(split: CaseSplit, held: Case): Promise<void> {
    this.#loaded.delete(held.id);
    await this.#store.write(`${split}/${held.id}.case`, encodeCase(held));
  }

  /** Null for a real patient, of whom there are only an expert's marks. */
  async readTruth(id: string): Promise<Truth | null> {
    const bytes = await this.#store.read(`truth/${id}.truth`);
    return bytes === null ? null : decodeTruth(bytes);
  }

  async writeTruth(id: string, truth: Truth): Promise<void> {
    await this.#store.write(`truth/${id}.truth`, encodeTruth(truth));
  }

  /**
   * Training cases with a label of one of `origins` for at least one of `tasks`, normalised; kept in memory, with what
   * `distillation` makes of their teachers' soft labels at the first call.
   */
  async trainingCases(
    tasks: readonly TaskId[],
    origins: readonly LabelOrigin[],
    distillation: DistillationSettings = distillationDefaults,
  ): Promise<TrainingCase[]> {
    const cases: TrainingCase[] = [];
    for (const id of await this.ids('train')) {
      const known = this.#loaded.get(id) ?? this.#load(await this.read('train', id), distillation);
      this.#loaded.set(id, known);
      const wanted = tasks.filter((task) => {
        const origin = known.origin[task];
        return origin !== undefined && origins.includes(origin);
      });
      if (wanted.length > 0) cases.push(withTasks(known.case, wanted));
    }
    return cases;
  }

  /** One case as the sampler wants it. */
  async readTrainingCase(split: CaseSplit, id: string): Promise<TrainingCase> {
    return this.#prepare(await this.read(split, id), distillationDefaults);
  }

  /** The image in the model's intensities. */
  normalised(held: Case): Float32Array {
    return normalise(held.image, this.#intensity).data;
  }

  /** What a model of `spec` sees of a case. @throws {DistillError} 'no_heart' */
  input(held: Case, spec: ModelSpec): ChannelVolume {
    return modelInput(spec, this.normalised(held), held.image.shape, held.heart ?? null);
  }

  #load(held: Case, distillation: DistillationSettings): LoadedCase {
    return { case: this.#prepare(held, distillation), origin: held.origin };
  }

  #prepare(held: Case, distillation: DistillationSettings): TrainingCase {
    const labels = new Map(Object.entries(held.labels));
    const soft = softMapsOf(held, distillation);
    return {
      id: held.id,
      shape: held.image.shape,
      image: this.normalised(held),
      labels,
      ...(held.heart === undefined ? {} : { heart: held.heart }),
      ...(soft.size > 0 ? { soft } : {}),
      foreground: new Map([...labels].map(([task, map]) => [task, foregroundOf(map)])),
    };
  }
}

function softMapsOf(
  { softLabels = {} }: Case,
  distillation: DistillationSettings,
): Map<string, SoftMaps> {
  const soft = new Map<string, SoftMaps>();
  for (const [task, softLabel] of Object.entries(softLabels)) {
    const weights = voxelWeights(softLabel, distillation);
    const probabilities = distillation.targets === 'soft' ? softLabel.probabilities : null;
    if (weights !== null || probabilities !== null) soft.set(task, { probabilities, weights });
  }
  return soft;
}

/** The case with no other labels than those of `wanted`. */
function withTasks(held: TrainingCase, wanted: readonly string[]): TrainingCase {
  const keep = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...map].filter(([task]) => wanted.includes(task)));
  const labels = { labels: keep(held.labels), foreground: keep(held.foreground) };
  return { ...held, ...labels, ...(held.soft === undefined ? {} : { soft: keep(held.soft) }) };
}
