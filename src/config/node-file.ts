/** `node.yaml` in the home of a node: what one hospital's machine is set to. What is agreed stands in the manifest, and not here. */
import { checkInteger, SettingError } from '../base/index.ts';
import {
  consensusDefaults,
  validateConsensusSettings,
  type ConsensusSettings,
} from '../consensus/index.ts';
import {
  labelNames,
  readingDefaults,
  validateReadingSettings,
  type ReadingSettings,
} from '../data/index.ts';
import { inferenceDefaults, type InferenceSettings } from '../distill/index.ts';
import { logDefaults, validateLogSettings, type LogSettings } from '../host/index.ts';
import {
  networkDefaults,
  validateNetworkSettings,
  type NetworkSettings,
} from '../network/index.ts';
import { peerDefaults, type PeerSettings } from '../peer/index.ts';
import { computeDefaults, validateCompute, type ComputeSettings } from './compute-settings.ts';
import { validateInference, validatePeer } from './learning-checks.ts';
import { layered, treeOfOverrides, type Override } from './overrides.ts';
import { childOf, layOver, refuseUnknownKeys, validated } from './read-settings.ts';
import { readYaml, type Tree } from './yaml-tree.ts';

/** The hospital's own cases. */
export interface DataSettings {
  /** Folder with `train` and `test` (docs/specs/own-cases.md), beside the home unless absolute; empty for what `annulus data import` put into the home. */
  readonly folder: string;
  /** Between two looks at the folder for what came, changed or went, s, 1..86400. */
  readonly lookEveryS: number;
  /** How files are read that can be read in more than one way. */
  readonly reading: ReadingSettings;
  /**
   * What `annulus data import` takes this site's names of points and structures for, at most 64 lines such as
   * `Hinge RCC = RCC` or `STJ = ignore`.
   */
  readonly names: readonly string[];
}

/** How commands on this machine reach the node. */
export interface ControlSettings {
  /** Path of the socket; empty for `control.sock` in the home. For a home whose path is too long for one. */
  readonly socket: string;
}

/** Everything in `node.yaml`. */
export interface NodeFile {
  /** Where this node listens: `host:port`. What others dial stands in the manifest. */
  readonly listen: string;
  readonly data: DataSettings;
  readonly compute: ComputeSettings;
  readonly control: ControlSettings;
  readonly inference: Omit<InferenceSettings, 'window'>;
  readonly consensus: ConsensusSettings;
  readonly peer: PeerSettings;
  readonly network: NetworkSettings;
  readonly log: LogSettings;
}

/** What a `node.yaml` does not say. */
export const nodeFileDefaults: NodeFile = Object.freeze({
  listen: '0.0.0.0:4001',
  data: Object.freeze({ folder: '', lookEveryS: 60, reading: readingDefaults, names: [] }),
  compute: computeDefaults,
  control: Object.freeze({ socket: '' }),
  inference: inferenceDefaults,
  consensus: consensusDefaults,
  peer: peerDefaults,
  network: networkDefaults,
  log: logDefaults,
});

type Section = Exclude<keyof NodeFile, 'listen'>;

const checks: { readonly [Key in Section]: (settings: NodeFile[Key]) => unknown } = {
  data: validateData,
  compute: validateCompute,
  control: () => undefined,
  inference: validateInference,
  consensus: validateConsensusSettings,
  peer: validatePeer,
  network: validateNetworkSettings,
  log: validateLogSettings,
};

/** A section of a room above this one. */
export interface SettingsSection<T extends object> {
  readonly defaults: T;
  /** `defaults` with a text in each list of texts, which says what such a list holds. */
  readonly form: T;
  readonly validate: (settings: T) => unknown;
}

/** `node.yaml` as a tree, and what reads it. */
export interface ReadNodeFile {
  readonly settings: NodeFile;
  /** A further section. @throws as `loadNodeFile` */
  readonly section: <T extends object>(key: string, section: SettingsSection<T>) => T;
}

/**
 * The settings of a node: the rooms' defaults, with the file's values over them and `overrides` over those.
 *
 * @param further names of sections that rooms above this one read with `section`
 * @throws {ConfigError} naming file, line, key, what was expected and what came
 */
export function readNodeFile(
  text: string,
  file: string,
  overrides: readonly Override[],
  further: readonly string[],
): ReadNodeFile {
  const written = readYaml(text, file);
  const top = { file, path: '' };
  const known = [...Object.keys(nodeFileDefaults), ...further];
  // A file of comments alone is the defaults.
  if (written.kind !== 'leaf' || written.value !== null) refuseUnknownKeys(written, known, top);
  const tree = layered(treeOfOverrides(overrides), written);
  refuseUnknownKeys(tree, known, top);
  const { listen } = layOver(only(tree, 'listen'), { listen: nodeFileDefaults.listen }, top);
  validated({ listen }, validateListen, tree, top);
  const sections = Object.keys(checks).map((key) => sectionOf(key as Section, tree, file));
  return {
    settings: { listen, ...Object.fromEntries(sections) } as unknown as NodeFile,
    section: (key, { defaults, form, validate }) => {
      const child = childOf(tree, key);
      if (child === null) return defaults;
      const source = { file, path: key };
      const laid = Object.entries(layOver(child, form, source)).map(([name, value]) => {
        const isSaid = childOf(child, name) !== null;
        return [name, isSaid ? (value as unknown) : defaults[name as keyof typeof defaults]];
      });
      return validated(Object.fromEntries(laid) as typeof defaults, validate, child, source);
    },
  };
}

/** As `readNodeFile`, for who does not need the sections of rooms above: they are passed over. */
export function loadNodeFile(
  text: string,
  file: string,
  overrides: readonly Override[] = [],
): NodeFile {
  return readNodeFile(text, file, overrides, ['dashboard', 'witnesses']).settings;
}

function sectionOf(key: Section, tree: Tree, file: string): readonly [string, unknown] {
  const child = childOf(tree, key);
  const source = { file, path: key };
  const defaults = nodeFileDefaults[key];
  if (child === null) return [key, defaults];
  // A list of texts is told from one of numbers by its first item, and by default there is none.
  const hasNames = key === 'data' && childOf(child, 'names') !== null;
  const form = hasNames ? { ...nodeFileDefaults.data, names: [''] } : defaults;
  const settings = layOver<object>(child, form, source);
  return [key, validated(settings, checks[key] as (value: object) => unknown, child, source)];
}

function only(tree: Tree, key: string): Tree {
  if (tree.kind !== 'map') return tree;
  return { ...tree, entries: new Map([...tree.entries].filter(([name]) => name === key)) };
}

/** `host:port`; an IPv6 address in brackets. */
const listenForm = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253}):(\d{1,5})$/;

/** @throws {SettingError} */
function validateListen({ listen }: { readonly listen: string }): void {
  const [, , port] = listenForm.exec(listen) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    const form = 'host:port such as 0.0.0.0:4001, with an IPv6 address in brackets';
    throw new SettingError('listen', form, `"${listen.slice(0, 80)}"`);
  }
}

function validateData({ lookEveryS, reading, names }: DataSettings): void {
  checkInteger('lookEveryS', lookEveryS, 1, 86_400);
  validateReadingSettings(reading);
  labelNames(names);
}
