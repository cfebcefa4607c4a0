/** From a preset's text to settings that hold in every respect. Opens no files. */
import { validateConsensusSettings } from '../consensus/index.ts';
import { taskIds, validatePhantomSettings, type TaskId } from '../data/index.ts';
import { checkInput, ModelsError } from '../models/index.ts';
import { validateLogSettings } from '../host/index.ts';
import type { Member } from '../wire/index.ts';
import { validateNetworkSettings } from '../network/index.ts';
import { readArchitecture, type ModelLibrary } from './architecture.ts';
import { checkInteger, SettingError } from '../base/index.ts';
import { validateCompute } from './compute-settings.ts';
import {
  hospitalCountMax,
  hospitalDefaults,
  isUncounted,
  validateConsortium,
  validateHospital,
  type ConsortiumSettings,
  type HospitalSettings,
} from './consortium-settings.ts';
import {
  validateDistillation,
  validateInference,
  validatePeer,
  validateSampling,
} from './learning-checks.ts';
import { modelSpecFor, type Architecture, type ModelSettings } from './model-settings.ts';
import {
  childOf,
  itemsOf,
  joined,
  layOver,
  refuseUnknownKeys,
  refuseValue,
  validated,
  type Source,
} from './read-settings.ts';
import { ConfigError } from './errors.ts';
import { layered, treeOfOverrides, type Override } from './overrides.ts';
import { runDefaults, type RunSettings } from './run-settings.ts';
import { validateMixing } from './mixing-settings.ts';
import { validateRobust } from './robust-settings.ts';
import { validateStage, validateStudentStage, validateTraining } from './training-settings.ts';
import { readYaml, type Tree } from './yaml-tree.ts';

/**
 * Settings of a preset: the rooms' defaults, with the file's values over them and `overrides` over those, and then the whole
 * is checked. Networks may be named as in `library`.
 * @throws {ConfigError} naming file, line, key, what was expected and what came.
 */
export function loadPreset(
  text: string,
  file: string,
  overrides: readonly Override[] = [],
  library: ModelLibrary = new Map(),
): RunSettings {
  const { written, asked, preset, settings } = readLayers(text, file, overrides, library);
  // What a file holds together with, only they can have broken.
  const isTheirs = overrides.length > 0 && holds(preset, written, file);
  const sources = [...new Set(overrides.map(({ source }) => source))].join(', ');
  if (isTheirs) validateRun(settings, asked, sources);
  else validateRun(settings, layered(asked, written), file);
  return settings;
}

/** What a plan must know of a member. */
export type MemberLabels = Pick<Member, 'id' | 'labels'>;

/**
 * As `loadPreset`, for a consortium of nodes: its members stand in the place of the preset's hospitals, each with cases of its
 * own for the tasks it labels. Not every task needs somebody who labels it: the plan has no stage for one that nobody does.
 */
export function loadPresetFor(
  members: readonly MemberLabels[],
  text: string,
  file: string,
  overrides: readonly Override[] = [],
  library: ModelLibrary = new Map(),
): RunSettings {
  const layers = readLayers(text, file, overrides, library);
  const { written, asked } = layers;
  const { consortium, ...settings } = layers.settings;
  const hospitals = members.map(ownCasesOf);
  const all = { ...settings, consortium: { ...consortium, hospitals } };
  validateRun(all, layered(asked, written), file, somethingIsLabelled);
  return all;
}

/** The preset as it is written over the defaults, and what is asked for over that. Nothing is validated. */
function readLayers(
  text: string,
  file: string,
  overrides: readonly Override[],
  library: ModelLibrary,
): {
  readonly written: Tree;
  readonly asked: Tree;
  readonly preset: RunSettings;
  readonly settings: RunSettings;
} {
  const written = readYaml(text, file);
  const asked = treeOfOverrides(overrides);
  const preset = readRun(written, file, runDefaults, library);
  return { written, asked, preset, settings: readRun(asked, file, preset, library) };
}

/** One case stands for all: a node counts its own when it starts. */
function ownCasesOf({ id, labels }: MemberLabels): HospitalSettings {
  const count = (task: TaskId): number => (labels.includes(task) ? 1 : 0);
  const { test } = hospitalDefaults.cases;
  const cases = { hps: count('hps'), ms: count('ms'), calc: count('calc'), unlabelled: 1, test };
  return { ...hospitalDefaults, id, folder: '.', cases };
}

function somethingIsLabelled({ consortium: { hospitals } }: RunSettings): void {
  if (taskIds.some((task) => hospitals.some(({ cases }) => cases[task] > 0))) return;
  throw new SettingError('hospitals', `a member with labels for ${taskIds.join(', ')}`, 'none');
}

function holds(settings: RunSettings, tree: Tree, file: string): boolean {
  try {
    validateRun(settings, tree, file);
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

/**
 * The settings with what was found in hospitals' own folders.
 *
 * @param found by the hospital's id: its cases, and where they are
 * @throws {ConfigError} when nobody labelled a task
 */
export function withOwnCases(
  settings: RunSettings,
  found: ReadonlyMap<string, Pick<HospitalSettings, 'folder' | 'cases'>>,
  file: string,
): RunSettings {
  const hospitals = settings.consortium.hospitals.map((hospital) => ({
    ...hospital,
    ...found.get(hospital.id),
  }));
  const counted = { ...settings, consortium: { ...settings.consortium, hospitals } };
  const nowhere: Tree = { kind: 'map', line: 0, entries: new Map() };
  return validated(counted, somebodyLabels, nowhere, { file, path: 'consortium' });
}

/** `tree` laid over `base`. */
function readRun(tree: Tree, file: string, base: RunSettings, library: ModelLibrary): RunSettings {
  const top: Source = { file, path: '' };
  refuseUnknownKeys(tree, Object.keys(runDefaults), top);
  const section = <T extends object>(key: keyof RunSettings, from: T): T => {
    const child = childOf(tree, key);
    return child === null ? from : layOver(child, from, { file, path: key });
  };
  const { preset, seed } = layOver(onlyLeaves(tree), { preset: base.preset, seed: base.seed }, top);
  return {
    preset,
    seed,
    consortium: readConsortium(childOf(tree, 'consortium'), file, base.consortium),
    phantom: section('phantom', base.phantom),
    models: readModels(childOf(tree, 'models'), file, base.models, library),
    training: readTraining(childOf(tree, 'training'), file, base.training),
    sampling: section('sampling', base.sampling),
    distillation: section('distillation', base.distillation),
    inference: section('inference', base.inference),
    consensus: section('consensus', base.consensus),
    peer: section('peer', base.peer),
    network: section('network', base.network),
    log: section('log', base.log),
    compute: section('compute', base.compute),
  };
}

function validateRun(
  settings: RunSettings,
  tree: Tree,
  file: string,
  consortiumHolds: (settings: RunSettings) => void = somebodyLabels,
): void {
  const check = <T>(path: string, value: T, validate: (value: T) => unknown): void => {
    const place = path === '' ? tree : path.split('.').reduce<Tree | null>(childOf, tree);
    validated(value, validate, place ?? tree, { file, path });
  };
  check('', settings, ({ preset, seed }) => {
    if (preset.length < 1 || preset.length > 80) {
      throw new SettingError('preset', '1 to 80 characters', `${preset.length}`);
    }
    checkInteger('seed', seed, 0, 2 ** 32 - 1);
  });
  check('phantom', settings.phantom, validatePhantomSettings);
  check('training', settings.training, validateTraining);
  check('training.mixing', settings.training.mixing, validateMixing);
  check('training.robust', settings.training.robust, validateRobust);
  check('training.teacher', settings.training.teacher, validateStage);
  check('training.student', settings.training.student, validateStudentStage);
  check('sampling', settings.sampling, validateSampling);
  check('distillation', settings.distillation, validateDistillation);
  check('inference', settings.inference, validateInference);
  check('peer', settings.peer, validatePeer);
  check('consensus', settings.consensus, validateConsensusSettings);
  check('network', settings.network, validateNetworkSettings);
  check('log', settings.log, validateLogSettings);
  check('compute', settings.compute, validateCompute);
  check('training', settings, patchFits);
  check('training', settings, shardsFit);
  check('consortium', settings, consortiumHolds);
}

/**
 * A patch is cut out of a phantom, so it cannot be longer; a hospital's own CTs are of any size. And both networks must be
 * able to take it.
 */
function patchFits({ training, phantom, models, consortium }: RunSettings): void {
  const { patch } = training;
  if (patch === 'whole') {
    // Volumes are of any size, and a UNETR takes one.
    const fixed = (['teacher', 'student'] as const).find((name) => models[name].kind === 'unetr');
    if (fixed === undefined) return;
    throw new SettingError('patch', `the imageSize of the ${fixed}, a unetr`, patch);
  }
  patch.forEach((length, axis) => {
    const room = phantom.shape[axis] ?? 0;
    if (length > room && consortium.hospitals.some(({ folder }) => folder === ''))
      throw new SettingError('patch', `at most the phantom's ${room} voxels`, length);
  });
  for (const name of ['teacher', 'student'] as const) {
    try {
      checkInput(modelSpecFor(models[name], taskIds), [1, ...patch, 1]);
    } catch (error) {
      if (!(error instanceof ModelsError)) throw error;
      throw new SettingError('patch', `a size for the ${name}: ${error.message}`, patch);
    }
  }
}

/** A shard has three reducers, and among fewer than four members nobody but they could see one lie. */
function shardsFit({
  training: { averaging, robust },
  consortium: { hospitals },
}: RunSettings): void {
  if (averaging !== 'sharded') return;
  if (robust.kind !== 'none')
    throw new SettingError('averaging', 'exact, with a robust rule', averaging);
  if (hospitals.length === 0 || hospitals.length >= 4) return;
  throw new SettingError('averaging', 'exact, with fewer than 4 hospitals', averaging);
}

/** A task that nobody labelled has no teacher, and nobody could learn it. */
function somebodyLabels({ consortium }: RunSettings): void {
  if (consortium.hospitals.length === 0) {
    throw new SettingError('hospitals', 'a list of hospitals', 'nothing');
  }
  if (consortium.hospitals.some(isUncounted)) return;
  for (const task of taskIds) {
    if (consortium.hospitals.some(({ cases }) => cases[task] > 0)) continue;
    throw new SettingError('hospitals', `a hospital with labels for ${task}`, 'none');
  }
}

function readConsortium(
  tree: Tree | null,
  file: string,
  base: ConsortiumSettings,
): ConsortiumSettings {
  const source: Source = { file, path: 'consortium' };
  if (tree === null) return base;
  refuseUnknownKeys(tree, ['name', 'domain', 'hospitals'], source);
  const list = childOf(tree, 'hospitals');
  const { name, domain } = layOver(
    onlyLeaves(tree),
    { name: base.name, domain: base.domain },
    source,
  );
  const hospitals =
    list === null
      ? base.hospitals
      : itemsOf(list, { file, path: 'consortium.hospitals' }, 1, hospitalCountMax).map(
          (item, index) => readHospital(item, { file, path: `consortium.hospitals[${index}]` }),
        );
  return validated({ name, domain, hospitals }, validateConsortium, tree, source);
}

/** A patch is lengths or a word: what is written says which. */
function readTraining(
  tree: Tree | null,
  file: string,
  base: RunSettings['training'],
): RunSettings['training'] {
  if (tree === null) return base;
  const source: Source = { file, path: 'training' };
  const written = childOf(tree, 'patch');
  if (written === null) return layOver(tree, base, source);
  if (written.kind === 'leaf' && typeof written.value !== 'string') {
    refuseValue(written, { ...source, path: 'training.patch' }, 'three lengths, or whole');
  }
  const form = { ...base, patch: written.kind === 'leaf' ? ('whole' as const) : [] };
  return layOver(tree, form, source);
}

function readHospital(tree: Tree, source: Source): HospitalSettings {
  const hospital = layOver(tree, { id: '', ...hospitalDefaults }, source);
  return validated(hospital, validateHospital, tree, source);
}

function readModels(
  tree: Tree | null,
  file: string,
  base: ModelSettings,
  library: ModelLibrary,
): ModelSettings {
  if (tree === null) return base;
  refuseUnknownKeys(tree, ['teacher', 'student'], { file, path: 'models' });
  const one = (which: 'teacher' | 'student'): Architecture => {
    const own = childOf(tree, which);
    const source: Source = { file, path: joined('models', which) };
    return own === null ? base[which] : readArchitecture(own, base[which], source, library);
  };
  return { teacher: one('teacher'), student: one('student') };
}

/** A map without its maps and lists: what is left are the plain values of a section. */
function onlyLeaves(tree: Tree): Tree {
  if (tree.kind !== 'map') return tree;
  const entries = new Map([...tree.entries].filter(([, { value }]) => value.kind === 'leaf'));
  for (const key of ['consortium', 'hospitals', ...Object.keys(runDefaults)]) {
    if (key !== 'preset' && key !== 'seed') entries.delete(key);
  }
  return { ...tree, entries };
}
