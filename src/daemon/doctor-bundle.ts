/** What a node shows to whoever is to help: versions, machine, status, preflight, settings, manifest, ends of logs. All redacted. */
import { homedir, hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { utf8 } from '../base/index.ts';
import { installedVersions, programDigest, readMachine, readTail } from '../host/index.ts';
import { listOwnCases } from '../hospital/index.ts';
import { encodeZip } from '../interop/index.ts';
import type { Finding, HomeFacts } from '../node/index.ts';
import type { Manifest } from '../wire/index.ts';
import { logFileOf } from './node-daemon.ts';
import type { DaemonSettings } from './node-settings.ts';
import { redaction, type RedactionFacts } from './redaction.ts';

/** What a bundle is made of. */
export interface BundleRequest {
  readonly home: HomeFacts;
  readonly settings: DaemonSettings;
  readonly findings: readonly Finding[];
  /** What `/status` answers; null of a node that does not run. */
  readonly status: unknown;
  /** Passphrases that this process was given. */
  readonly secrets: readonly string[];
  readonly withAddresses: boolean;
}

/** A file of a bundle, as it goes out. */
export interface BundleFile {
  readonly name: string;
  readonly text: string;
}

const tailBytes = 256 * 1024;

/** The files, redacted. */
export async function bundleFiles(request: BundleRequest): Promise<BundleFile[]> {
  const { home, settings, findings, status } = request;
  const program = await programDigest();
  const known = await factsOf(request);
  const redact = redaction({ ...known, open: [program, ...known.open] });
  const manifest = home.manifests.at(-1);
  const node = logFileOf(home);
  const versions = { ...(await installedVersions()), program };
  const files: [string, string][] = [
    ['versions.json', json(versions)],
    ['machine.json', json(readMachine())],
    ['preflight.json', json(findings)],
    ['settings.json', json(settings)],
    ...(status === null ? [] : [['status.json', json(publicStatus(status))] as [string, string]]),
    ...(manifest === undefined
      ? []
      : [['manifest.json', json({ cid: manifest.cid, ...manifest.manifest })] as [string, string]]),
    ['node.log', await readTail(node, tailBytes)],
    ['peer.log', await readTail(join(dirname(node), 'peer.log'), tailBytes)],
  ];
  const readme = `What is in here: ${files.map(([name]) => name).join(', ')}.
Taken out: keys, passphrases, names of cases, paths of the hospital's data${request.withAddresses ? '' : ', names and addresses of machines'}.
#0123456789 stands for a long number: the same one has the same stand-in, also in the bundle of another hospital.
`;
  return [
    { name: 'README.txt', text: readme },
    ...files.map(([name, text]) => ({ name, text: redact(text) })),
  ];
}

/** The zip of these files. */
export function bundleBytes(files: readonly BundleFile[]): Uint8Array {
  return encodeZip(new Map(files.map(({ name, text }) => [`annulus/${name}`, utf8(text)])));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

/** Without what the last model found in a case. */
function publicStatus(status: unknown): unknown {
  return { ...Object(status), prediction: null } as unknown;
}

async function factsOf({
  home,
  settings,
  secrets,
  ...more
}: BundleRequest): Promise<RedactionFacts> {
  const { folder } = settings.node.data;
  const data = folder === '' ? null : resolve(home.folder, folder);
  const manifest = home.manifests.at(-1);
  // A bare word would be taken out everywhere.
  const named = folder.includes('/') ? [{ path: folder, standIn: '<data>' }] : [];
  return {
    ...{ secrets, caseNames: data === null ? [] : await caseNamesIn(data) },
    folders: [
      { path: home.folder, standIn: '<home>' },
      { path: homedir(), standIn: '<user>' },
      ...(data === null ? [] : [{ path: data, standIn: '<data>' }, ...named]),
    ],
    open: manifest === undefined ? [] : [manifest.cid, ...keysOf(manifest.manifest)],
    hosts: more.withAddresses ? null : hostsOf(manifest?.manifest ?? null, settings),
  };
}

/** Names of cases, used or not. None where the folder cannot be read: then no log has any. */
async function caseNamesIn(folder: string): Promise<string[]> {
  const found = await listOwnCases(folder).catch(() => null);
  if (found === null) return [];
  const all = [...found.cases, ...found.setAside].map(({ name }) => name);
  return [...new Set(all.map((name) => name.slice(name.lastIndexOf('/') + 1)))];
}

function keysOf({ members }: Manifest): string[] {
  return members.flatMap((member) => [
    ...[member.orgKey, member.consensusKey, member.logKey, member.witnessKey],
    ...[member.transportKey, member.sealKey],
  ]);
}

function hostsOf(
  manifest: Manifest | null,
  { dashboard }: DaemonSettings,
): NonNullable<RedactionFacts['hosts']> {
  const members = (manifest?.members ?? []).flatMap(({ id, addresses }) =>
    addresses.map((address, at) => {
      const host = /^\/[a-z0-9]+\/([^/]+)/.exec(address)?.[1] ?? '';
      return { host, standIn: `<host-${id}${at === 0 ? '' : `-${at + 1}`}>` };
    }),
  );
  const own = [hostname(), ...dashboard.names].map((host) => ({ host, standIn: '<this-host>' }));
  return [...members, ...own].filter(({ host }) => host.length > 1);
}
