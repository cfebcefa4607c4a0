/** What this machine lets one process do: write, open files, and speak to itself. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../base/index.ts';

const loopback = '127.0.0.1';
const answerMsMax = 5_000;

/** Bytes that this user may still write where `folder` lies. @throws a system error when there is no such folder */
export async function freeDiskBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Files and sockets that this process may have open at once; null where the system has no such limit. */
export function openFilesMax(): number | null {
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  const wasExcluded = report.excludeNetwork ?? false;
  report.excludeNetwork = true; // a report of the network asks name servers
  const { userLimits } = report.getReport() as {
    userLimits?: { open_files?: { soft?: number | string } };
  };
  report.excludeNetwork = wasExcluded;
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : null;
}

/** Why a connection to this very machine fails; null when it works. */
export async function loopbackFault(): Promise<string | null> {
  const server = createServer((socket) => {
    socket.destroy();
  });
  try {
    return await new Promise<string | null>((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, loopback, () => {
        const { port } = server.address() as AddressInfo;
        const socket = connect({ port, host: loopback, timeout: answerMsMax });
        socket.on('connect', () => {
          socket.destroy();
          resolve(null);
        });
        socket.on('timeout', () => {
          socket.destroy();
          resolve('no answer');
        });
        socket.on('error', reject);
      });
    });
  } catch (error) {
    return messageOf(error);
  } finally {
    server.close();
  }
}

/** Bytes of all files below `folder`; what goes away meanwhile is not counted. */
export async function folderBytes(folder: string): Promise<number> {
  // Not by a recursive `readdir`, which gives up where a folder goes away.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  let bytes = 0;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await folderBytes(path);
    else if (entry.isFile()) bytes += (await lstat(path).catch(() => null))?.size ?? 0;
  }
  return bytes;
}
