/** `annulus audit serve`: a log over HTTP, read-only. */
import { systemClock } from '../../host/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import { requireFolder } from '../files.ts';
import type { World } from '../world.ts';
import { oneLog } from './one-log.ts';

/** Flags, as typed. */
export interface ServeFlags {
  readonly host: string;
  readonly port: string;
  readonly copy?: string;
}

/** Serves until the signal. The log is checked once, at the start; later files are served as they lie there. */
export async function serveCommand(
  folder: string,
  flags: ServeFlags,
  world: World,
): Promise<ExitCode> {
  const port = portOf(flags.port);
  await requireFolder(folder);
  const { directory, log } = await oneLog(folder, flags.copy ?? null, world);
  const { serveLog } = await import('../../dashboard/index.ts');
  const read = (name: string): Promise<Uint8Array | null> => directory.read(name);
  const server = await serveLog({ read, host: flags.host, port, clock: systemClock() });
  world.out(
    `${server.url} serves the log of ${log.verdict.keptBy ?? 'nobody'}, ${log.verdict.treeSize} entries, to whoever reaches it: checkpoint, tiles, entries, decisions, manifests, policies; no updates, no models\n` +
      `an auditor: annulus audit verify ${server.url}\nCtrl-C ends it\n`,
  );
  await untilAborted(world.signal);
  await server.close();
  return exitCodes.done;
}

/** @throws {CliError} 'usage' unless it is a port */
export function portOf(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) {
    throw usageError(`--port: expected a number from 0 to 65535, got ${text}`);
  }
  return port;
}

/** Resolves when the signal fires, at once if it has. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
