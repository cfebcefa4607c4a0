/** Phantoms for the networks of hospitals: the cases of all nodes, and held-out ones. Each is made when it is first asked for. */
import {
  annotate,
  labelMap,
  makePhantom,
  normalise,
  phantomDefaults,
  type Case,
  type TaskId,
  type Truth,
} from '../../data/index.ts';
import {
  foregroundOf,
  intensityDefaults,
  type Patch,
  type TrainingCase,
} from '../../distill/index.ts';
import type { Random } from '../../base/index.ts';
import { phantomSide } from './joint-checks.ts';
import { shiftOfScanner } from './logistic-task.ts';
import { partitionSamples } from './partition.ts';
import type { LabSettings } from './settings.ts';
import { chanceOf } from './task.ts';

/** Heads of the networks: the tasks of points. */
export const pointHeads: readonly TaskId[] = ['hps', 'ms'];

/** Spheres around points, as the main job's on its grid of 3 mm. */
const pointRadiusMm = 9;

/** A phantom to try a model on. */
export interface HeldOut {
  readonly held: Case;
  readonly truth: Truth;
  /** All of it as one patch, with labels for all heads. */
  readonly whole: Patch;
}

/** See the file header. */
export class NetworkCases {
  /** Of each node, the indices of its cases. */
  readonly own: readonly Int32Array[];
  readonly #settings: LabSettings;
  readonly #train = new Map<number, TrainingCase>();
  readonly #heldOut: HeldOut[] = [];

  constructor(settings: LabSettings) {
    const { seed, nodes, task, partition } = settings;
    this.#settings = settings;
    const labels = Int32Array.from({ length: task.samples }, (_, index) => headsOf(index).length);
    this.own = partitionSamples(partition, labels, nodes, chanceOf(seed, 'partition'));
  }

  /** Cases of a node, with the labels that its expert gave. */
  of(node: number): TrainingCase[] {
    return Array.from(this.own[node] ?? [], (index) => this.#case(node, index));
  }

  /** Phantoms that no node has, with all labels. */
  heldOut(): readonly HeldOut[] {
    const { seed, task } = this.#settings;
    for (let index = this.#heldOut.length; index < task.heldOut; index++) {
      const { image, truth, training } = this.#make(chanceOf(seed, 'test', index), pointHeads, 0);
      const held = { id: training.id, image, labels: {}, origin: {} };
      this.#heldOut.push({ held, truth, whole: wholeOf(training) });
    }
    return this.#heldOut;
  }

  #case(node: number, index: number): TrainingCase {
    const known = this.#train.get(index);
    if (known !== undefined) return known;
    const { seed, partition } = this.#settings;
    // One number for a whole scanner: its pictures are brighter or darker.
    const [shift = 0] =
      partition.kind === 'scanner' ? shiftOfScanner(this.#settings, node, 1) : [0];
    const { training } = this.#make(chanceOf(seed, 'phantom', index), headsOf(index), shift);
    this.#train.set(index, training);
    return training;
  }

  #make(
    chance: Random,
    heads: readonly TaskId[],
    shift: number,
  ): { readonly image: Case['image']; readonly truth: Truth; readonly training: TrainingCase } {
    const { spacingMm } = this.#settings.task;
    const side = phantomSide(spacingMm);
    const { image, truth } = makePhantom(chance, {
      ...phantomDefaults,
      shape: [side, side, side],
      spacingMm: [spacingMm, spacingMm, spacingMm],
    });
    const annotation = annotate(chance.fork('annotator'), truth);
    const labels = new Map(
      heads.map((head) => [head, labelMap(head, annotation, image, pointRadiusMm)] as const),
    );
    const training: TrainingCase = {
      id: 'phantom',
      shape: image.shape,
      image: normalise(image, intensityDefaults).data.map((value) => value + shift),
      labels,
      foreground: new Map([...labels].map(([head, map]) => [head, foregroundOf(map)] as const)),
    };
    return { image, truth, training };
  }
}

/** All of a case as one patch. */
export function wholeOf({ shape, image, labels }: TrainingCase): Patch {
  const maps = [...labels].map(([head, map]) => [head, Int32Array.from(map)] as const);
  return { size: shape, image, labels: new Map(maps) };
}

/** Labels are nested, as hospitals have them: every case has the hinge points and ostia, every second one the septum too. */
function headsOf(index: number): readonly TaskId[] {
  return index % 2 === 0 ? pointHeads : pointHeads.slice(0, 1);
}
