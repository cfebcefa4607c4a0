/** The folders that an auditor looks at, as the audit's ports: only regular files are opened, and none is read whole unasked. */
import { createReadStream, existsSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import {
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
  const node = { folder: place, name: null, log, blobs: null, lastCosigned: null };
  return { nodes: [node], isRun: false, model: null };
}

/** `folder` is a log, a node's folder or home, a run's, a test network's, or one that `audit export` wrote; without nodes when it is none of them. */
async function auditedFolder(folder: string): Promise<RunFolder> {
  const one = await nodeAt(folder);
  if (one !== null) return { nodes: [one], isRun: false, model: null };
  const inHome = await nodeAt(join(folder, 'node'));
  if (inHome !== null) {
    return { nodes: [inHome], isRun: false, model: await modelAt(join(folder, 'model')) };
  }
  const exported = await exportedLog(folder);
  if (exported !== null) return { nodes: [exported], isRun: false, model: null };
  const nodes: NodeFolder[] = [];
  if (existsSync(join(folder, 'testnet.json'))) {
    for (const name of (await readdir(folder)).sort()) {
      const node = await nodeAt(join(folder, name, 'home', 'node'));
      if (node !== null) nodes.push(node);
    }
    return { nodes, isRun: true, model: 'in-homes' };
  }
  const parent = join(folder, 'nodes');
  const names = existsSync(parent) ? (await readdir(parent)).sort() : [];
  for (const name of names) {
    const node = await nodeAt(join(parent, name));
    if (node !== null) nodes.push(node);
  }
  return { nodes, isRun: true, model: await modelAt(join(folder, 'model')) };
}

/** A node's folder, or a log; `null` when it is neither. A log in a node's folder is its member's too. */
async function nodeAt(folder: string): Promise<NodeFolder | null> {
  const isOnlyLog = isLog(folder);
  const log = isOnlyLog ? folder : join(folder, 'log');
  if (!isLog(log)) return null;
  const isInNode = !isOnlyLog || basename(folder) === 'log';
  const node = dirname(log);
  return {
    folder,
    name: isInNode ? await nameOf(node) : null,
    log: logDirectoryAt(log),
    blobs: isOnlyLog ? null : blobsAt(join(node, 'blobs')),
    lastCosigned: isOnlyLog ? null : await bytesOf(join(node, witnessStateName)),
  };
}

/** The log in a folder that `audit export` wrote. */
async function exportedLog(folder: string): Promise<NodeFolder | null> {
  if (!existsSync(join(folder, 'SHA256SUMS'))) return null;
  const [name, ...more] = (await readdir(folder)).filter((one) => one.startsWith('log-'));
  return name === undefined || more.length > 0 ? null : nodeAt(join(folder, name));
}

/** Whose folder it is: in a home `home.json` says so, elsewhere its own name. */
async function nameOf(node: string): Promise<string> {
  const bytes = basename(node) === 'node' ? await bytesOf(join(dirname(node), 'home.json')) : null;
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
  return { read: (name) => bytesOf(join(folder, name)), list: () => filesIn(folder) };
}

function blobsAt(folder: string): BlobFolder {
  return {
    list: async () => (existsSync(folder) ? filesIn(folder) : []),
    digest: (name) => digestOfFile(join(folder, name)),
    read: (name) => bytesOf(join(folder, name)),
  };
}

async function modelAt(folder: string): Promise<ModelFolder | null> {
  if (!existsSync(folder)) return null;
  return {
    names: await filesIn(folder),
    weightsDigest: await digestOfFile(join(folder, 'model.safetensors')),
    description: await bytesOf(join(folder, 'model.json')),
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

/** Its first bytes, or `null` when no regular file is there. */
async function bytesOf(path: string): Promise<Uint8Array | null> {
  if (!(await isRegularFile(path))) return null;
  const chunks: Uint8Array[] = [];
  // `end` is the last byte that is read.
  const stream: AsyncIterable<Uint8Array> = createReadStream(path, { end: readBytesMax });
  for await (const chunk of stream) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

async function digestOfFile(path: string): Promise<Digest | null> {
  if (!(await isRegularFile(path))) return null;
  const hash = new HashStream();
  const stream: AsyncIterable<Uint8Array> = createReadStream(path);
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest();
}

async function isRegularFile(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => null);
  return facts?.isFile() === true;
}
