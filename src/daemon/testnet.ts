/**
 * A test network: homes of N hospitals on one machine, made the way real ones are. Each has keys of its own, born in its home,
 * its phantoms as files, and a genesis that all organisations signed. Only the passphrases are left out.
 */
import { join } from 'node:path';
import { base64, fromUtf8, invariant, utf8, type NodeId } from '../base/index.ts';
import {
  limitsOfPlan,
  membersOf,
  nodeFileText,
  planOf,
  runDefaults,
  taughtTasks,
  type HospitalSettings,
  type RunSettings,
} from '../config/index.ts';
import { generateEd25519, type KeyPair } from '../crypto/index.ts';
import { caseCount, phantomFiles, phantomOf } from '../distill/index.ts';
import { diskStore, freePorts } from '../host/index.ts';
import { createHome, keepManifest, lookAtHome, sealOrgKey, type HomeFacts } from '../node/index.ts';
import { signManifest } from '../wire/index.ts';
import { DaemonError } from './errors.ts';

/** One hospital of a test network. */
export interface TestnetNode {
  readonly id: NodeId;
  /** Absolute. */
  readonly home: string;
  readonly listen: string;
  readonly pagePort: number;
}

/** What is made. */
export interface TestnetRequest {
  /** Where; new or empty. */
  readonly folder: string;
  /** How many hospitals: the preset's first ones, and then others like them. */
  readonly count: number;
  /** A preset's, of phantoms. */
  readonly settings: RunSettings;
  /** Training workers of each node. */
  readonly workers: number;
  readonly nowMs: number;
  /** A phantom is written. */
  readonly onCase: (done: number, total: number) => void;
}

const format = 'annulus-testnet/1';
const fileName = 'testnet.json';
const countMax = 64;
const host = '127.0.0.1';

/**
 * Writes the homes, the cases and `testnet.json`.
 *
 * @throws {DaemonError} 'bad_testnet' for a number of hospitals that cannot be, or a preset with hospitals' own folders
 */
export async function writeTestnet(request: TestnetRequest): Promise<TestnetNode[]> {
  const { folder, count } = request;
  const settings = withHospitals(request.settings, count);
  const ports = await freePorts(host, 2 * count);
  const made: { readonly home: HomeFacts; readonly org: KeyPair; readonly node: TestnetNode }[] =
    [];
  for (const [at, id] of membersOf(settings).entries()) {
    const [port = 0, pagePort = 0] = ports.slice(2 * at, 2 * at + 2);
    const node = { id, home: join(folder, id, 'home'), listen: `${host}:${port}`, pagePort };
    made.push({ node, ...(await makeHome(request, settings, node, port)) });
  }
  const plan = planOf(settings);
  const { name, domain } = settings.consortium;
  const members = made.map(({ home }) => home.lines[0]?.member).filter((one) => one !== undefined);
  const signed = signManifest(
    { version: 0, name, domain, members, plan, limits: limitsOfPlan(plan) },
    made.map(({ org }) => org),
  );
  for (const { home } of made) await keepManifest(home, signed.bytes, 'signed');
  await writeCases(settings, request);
  const nodes = made.map(({ node }) => node);
  const text = JSON.stringify(
    { format, nodes: nodes.map((node) => ({ ...node, home: join(node.id, 'home') })) },
    null,
    1,
  );
  await diskStore(folder).write(fileName, utf8(`${text}\n`));
  return nodes;
}

/** The network in a folder. @throws {DaemonError} 'bad_testnet' when there is none; as `lookAtHome` */
export async function readTestnet(folder: string): Promise<TestnetNode[]> {
  const bytes = await diskStore(folder).read(fileName);
  const nodes = bytes === null ? null : parse(bytes);
  if (nodes === null) {
    throw new DaemonError(
      { code: 'bad_testnet' },
      `${folder}: no test network; make one with annulus testnet -n 4 -o ${folder}`,
    );
  }
  const found = nodes.map((node) => ({ ...node, home: join(folder, node.home) }));
  for (const { home } of found) await lookAtHome(home);
  return found;
}

function parse(bytes: Uint8Array): TestnetNode[] | null {
  try {
    const file = JSON.parse(fromUtf8(bytes)) as { format?: unknown; nodes?: unknown } | null;
    return file?.format === format && Array.isArray(file.nodes)
      ? (file.nodes as TestnetNode[])
      : null;
  } catch {
    return null;
  }
}

/** The preset with `count` hospitals. */
function withHospitals(settings: RunSettings, count: number): RunSettings {
  const refuse = (problem: string): never => {
    throw new DaemonError({ code: 'bad_testnet' }, problem);
  };
  if (!Number.isInteger(count) || count < 1 || count > countMax) {
    refuse(`expected 1 to ${countMax} hospitals, got ${count}`);
  }
  const { hospitals: known } = settings.consortium;
  if (known.some(({ folder }) => folder !== '')) {
    refuse('a test network is of phantoms: the preset names folders of own cases');
  }
  const hospitals = Array.from({ length: count }, (_, at): HospitalSettings => {
    const like = known[at % known.length];
    invariant(like !== undefined, 'a preset names its hospitals');
    return at < known.length ? like : { ...like, id: `L${at + 1}` };
  });
  return { ...settings, consortium: { ...settings.consortium, hospitals } };
}

async function makeHome(
  { workers, nowMs, folder }: TestnetRequest,
  settings: RunSettings,
  { id, home: homeFolder, listen, pagePort }: TestnetNode,
  port: number,
): Promise<{ readonly home: HomeFacts; readonly org: KeyPair }> {
  const org = generateEd25519();
  const hospital = hospitalOf(settings, id);
  const { consensus, peer, network, log, inference } = settings;
  const sections = differences({ consensus, peer, network, log, inference });
  const home = await createHome(homeFolder, {
    ...{ id, orgKey: base64(org.publicKey), passphrase: null, invitation: null, nowMs },
    addresses: [`/ip4/${host}/tcp/${port}`],
    labels: taughtTasks(settings).filter((task) => hospital.cases[task] > 0),
    settings: nodeFileText({ listen, dataFolder: '../data', workers, pagePort, sections }),
  });
  await diskStore(join(folder, id)).write(`${id}-org.key`, sealOrgKey({ id, key: org }, null));
  return { home, org };
}

/** Sections of `node.yaml` with what a preset sets otherwise than by default. */
function differences(
  sections: Pick<RunSettings, 'consensus' | 'peer' | 'network' | 'log' | 'inference'>,
): Record<string, unknown> {
  const changed = Object.entries(sections).map(([key, section]) => {
    const defaults = runDefaults[key as keyof typeof sections] as unknown as Record<
      string,
      unknown
    >;
    const others = Object.entries(section).filter(([name, value]) => value !== defaults[name]);
    return [key, Object.fromEntries(others)] as const;
  });
  return Object.fromEntries(changed.filter(([, section]) => Object.keys(section).length > 0));
}

async function writeCases(
  settings: RunSettings,
  { folder, onCase }: TestnetRequest,
): Promise<void> {
  const { seed, phantom, training } = settings;
  const all = settings.consortium.hospitals.flatMap((hospital) =>
    Array.from({ length: caseCount(hospital) }, (_, index) => ({ hospital, index })),
  );
  let done = 0;
  for (const { hospital, index } of all) {
    const made = phantomOf(hospital, index, { seed, phantom });
    const store = diskStore(join(folder, hospital.id, 'data'));
    const name = `${made.split}/phantom-${String(index).padStart(4, '0')}`;
    for (const [file, bytes] of phantomFiles(made, training.heart !== 'none')) {
      await store.write(`${name}/${file}`, bytes);
    }
    done += 1;
    onCase(done, all.length);
  }
}

function hospitalOf({ consortium }: RunSettings, id: NodeId): HospitalSettings {
  const found = consortium.hospitals.find((hospital) => hospital.id === id);
  invariant(found !== undefined, `${id} is a hospital of the preset`);
  return found;
}
