/** The folders that an auditor looks at, as the audit's ports: only regular files are opened, and none is read whole unasked. */
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import {
  nodeLogPrefix,
  witnessStateName,
  type BlobFolder,
  type LogDirectory,
  type ModelFolder,
  type NodeFolder,
  type RunFolder,
} from '../../audit/index.ts';
import { fromUtf8, type Digest } from '../../base/index.ts';
import { HashStream } from '../../crypto/index.ts';
import { requireFolder } from '../files.ts';

/** Of a log's file; a full bundle has 16 MiB. What is longer is read up to here, and then found to be too long. */
const readBytesMax = 32 * 2 ** 20;

/** A folder as `auditedFolder`, or the address of a log that is served. @throws {CliError} 'usage', {AuditorError} 'bad_answer' */
export async function auditedRun(place: string): Promise<RunFolder> {
  if (!/^[a-z]+:\/\//i.test(place)) return auditedFolder(await requireFolder(place));
  const { fetchBytes, parseLogUrl, webLog } = await import('../../auditor/index.ts');
  const log = webLog(parseLogUrl(place), fetchBytes);
  const node = { folder: place, name: null, log, blobs: null, lastCosigned: null, nodeLog: null };
  return { nodes: [node], isRun: false, model: null };
}

/** `folder` is a log, a node's folder or home, a run's, a test network's, or one that `audit export` wrote; without nodes when it is none of them. */
async function auditedFolder(folder: string): Promise<RunFolder> {
  const one = nodeAt(folder);
  if (one !== null) return { nodes: [one], isRun: false, model: null };
  const inHome = nodeAt(join(folder, 'node'));
  if (inHome !== null) {
    return { nodes: [inHome], isRun: false, model: await modelAt(join(folder, 'model')) };
  }
  const exported = await exportedLog(folder);
  if (exported !== null) return { nodes: [exported], isRun: false, model: null };
  const nodes: NodeFolder[] = [];
  if (existsSync(join(folder, 'testnet.json'))) {
    for (const name of (await readdir(folder)).sort()) {
      const node = nodeAt(join(folder, name, 'home', 'node'));
      if (node !== null) nodes.push(node);
    }
    return { nodes, isRun: true, model: 'in-homes' };
  }
  const parent = join(folder, 'nodes');
  const names = existsSync(parent) ? (await readdir(parent)).sort() : [];
  for (const name of names) {
    const node = nodeAt(join(parent, name));
    if (node !== null) nodes.push(node);
  }
  return { nodes, isRun: true, model: await modelAt(join(folder, 'model')) };
}

/** A node's folder, or a log; `null` when it is neither. A log in a node's folder is its member's too. */
function nodeAt(folder: string): NodeFolder | null {
  const isOnlyLog = isLog(folder);
  const log = isOnlyLog ? folder : join(folder, 'log');
  if (!isLog(log)) return null;
  const isInNode = !isOnlyLog || basename(folder) === 'log';
  const node = dirname(log);
  return {
    folder,
    name: isInNode ? nameOf(node) : null,
    log: logDirectoryAt(log),
    blobs: isOnlyLog ? null : blobsAt(join(node, 'blobs')),
    lastCosigned: isOnlyLog ? null : bytesOf(join(node, witnessStateName)),
    nodeLog: isOnlyLog ? null : logDirectoryAt(join(node, nodeLogPrefix)),
  };
}

/** The log in a folder that `audit export` wrote. */
async function exportedLog(folder: string): Promise<NodeFolder | null> {
  if (!existsSync(join(folder, 'SHA256SUMS'))) return null;
  const [name, ...more] = (await readdir(folder)).filter((one) => one.startsWith('log-'));
  const node = name === undefined || more.length > 0 ? null : nodeAt(join(folder, name));
  const own = join(folder, nodeLogPrefix);
  return node === null || !existsSync(own) ? node : { ...node, nodeLog: logDirectoryAt(own) };
}

/** Whose folder it is: in a home `home.json` says so, elsewhere its own name. */
function nameOf(node: string): string {
  const bytes = basename(node) === 'node' ? bytesOf(join(dirname(node), 'home.json')) : null;
  if (bytes === null) return basename(node);
  try {
    const { id } = Object(JSON.parse(fromUtf8(bytes))) as { id?: unknown };
    return typeof id === 'string' ? id : basename(node);
  } catch {
    return basename(node);
  }
}

function isLog(folder: string): boolean {
  return ['manifest.json', 'checkpoint', 'tile'].some((name) => existsSync(join(folder, name)));
}

/** A log's files. */
export function logDirectoryAt(folder: string): LogDirectory {
  return {
    read: (name) => Promise.resolve(bytesOf(join(folder, name))),
    list: async () => (existsSync(folder) ? filesIn(folder) : []),
  };
}

function blobsAt(folder: string): BlobFolder {
  return {
    list: async () => (existsSync(folder) ? filesIn(folder) : []),
    digest: (name) => digestOfFile(join(folder, name)),
    read: (name) => Promise.resolve(bytesOf(join(folder, name))),
  };
}

async function modelAt(folder: string): Promise<ModelFolder | null> {
  if (!existsSync(folder)) return null;
  return {
    names: await filesIn(folder),
    weightsDigest: await digestOfFile(join(folder, 'model.safetensors')),
    description: bytesOf(join(folder, 'model.json')),
  };
}

/** Names of everything but folders, relative to `folder`, with `/`. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** Its first bytes, or `null` when no regular file is there. Many small files are read one after the other: no streams. */
function bytesOf(path: string): Uint8Array | null {
  if (!isRegularFile(path)) return null;
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(Math.min(fstatSync(file).size, readBytesMax + 1));
    let have = 0;
    for (let more = 1; more > 0 && have < bytes.byteLength; have += more) {
      more = readSync(file, bytes, have, bytes.byteLength - have, have);
    }
    return bytes.subarray(0, have);
  } finally {
    closeSync(file);
  }
}

async function digestOfFile(path: string): Promise<Digest | null> {
  if (!isRegularFile(path)) return null;
  const hash = new HashStream();
  const stream: AsyncIterable<Uint8Array> = createReadStream(path);
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest();
}

function isRegularFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}
