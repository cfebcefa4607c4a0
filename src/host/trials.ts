/** Small trials of this machine, for who asks whether a node can run on it. They leave nothing behind. */
import { readdir, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { messageOf } from '../base/index.ts';
import { errnoOf, onDisk } from './disk-error.ts';
import { newFileFlags, nullIfAbsent, withFile, writeAll } from './durable-files.ts';

const trialCount = 15;
const trialBytes = 4096;

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens on it',
  EACCES: 'this user may not listen on it: ports below 1024 are for root',
  EADDRNOTAVAIL: 'this machine does not have that address',
};

/**
 * Median time of a small write that is on the disk when it returns, ms.
 *
 * @throws {HostError} when the disk refuses it
 */
export async function syncTrialMs(folder: string): Promise<number> {
  const path = join(folder, `.trial-${process.pid}`);
  const times: number[] = [];
  try {
    await onDisk(folder, () =>
      withFile(path, newFileFlags, 0o600, async (file) => {
        for (let trial = 0; trial < trialCount; trial++) {
          const begun = performance.now();
          await writeAll(file, new Uint8Array(trialBytes));
          await file.datasync();
          times.push(performance.now() - begun);
        }
      }),
    );
  } finally {
    await rm(path, { force: true });
  }
  return times.sort((a, b) => a - b)[Math.floor(trialCount / 2)] ?? 0;
}

/** Why this process cannot listen on `host:port`; null when it can. */
export async function listenFault(host: string, port: number): Promise<string | null> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    return null;
  } catch (error) {
    return reasons[errnoOf(error) ?? ''] ?? messageOf(error);
  } finally {
    server.close();
  }
}

/** A path below `folder` with its mode bits; the folder itself first. At most `countMax` of them; what goes away meanwhile is none. */
export async function modesBelow(
  folder: string,
  countMax: number,
): Promise<{ readonly path: string; readonly mode: number }[]> {
  const found = [{ path: folder, mode: (await stat(folder)).mode }];
  // Windows guards files by other means than mode bits.
  if (process.platform === 'win32') return [{ path: folder, mode: 0o700 }];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (found.length >= countMax) break;
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) continue;
    const there = await nullIfAbsent(async () => {
      if (entry.isDirectory()) return modesBelow(path, countMax - found.length);
      return entry.isFile() ? [{ path, mode: (await stat(path)).mode }] : [];
    });
    found.push(...(there ?? []));
  }
  return found;
}

/** Ports of `host` that were free a moment ago, all different. */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    const ports: number[] = [];
    for (const server of servers) {
      await new Promise<void>((resolve, reject) => {
        server.on('error', reject);
        server.listen({ host, port: 0, exclusive: true }, resolve);
      });
      ports.push((server.address() as AddressInfo).port);
    }
    return ports;
  } finally {
    for (const server of servers) server.close();
  }
}
