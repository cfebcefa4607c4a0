/** System errors of the disk as coded errors with advice. */
import { HostError } from './errors.ts';

/** The `errno` name of a system error, or `null` for any other value. */
export function errnoOf(error: unknown): string | null {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null;
}

/** Errors of the system that no later try mends before a person does something about the machine. */
const machineErrnos: ReadonlySet<string> = new Set([
  ...['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'],
]);
const diskCodes: ReadonlySet<string> = new Set([
  ...['disk_full', 'disk_read_only', 'disk_denied', 'disk_failed'],
]);

/** The fault of the machine that `error` tells of, itself or as its cause; null when it is of another kind. */
export function machineFault(error: unknown): HostError | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof HostError && diskCodes.has(at.code)) return at;
    const errno = errnoOf(at);
    if (errno === null || !machineErrnos.has(errno)) continue;
    const told = diskError((at as NodeJS.ErrnoException).path ?? 'a file of this run', at);
    return told instanceof HostError ? told : null;
  }
  return null;
}

/** A system error as a `HostError` about `path`; anything else unchanged. */
export function diskError(path: string, error: unknown): unknown {
  if (error instanceof HostError) return error;
  const errno = errnoOf(error);
  switch (errno) {
    case null:
      return error;
    case 'ENOSPC':
    case 'EDQUOT':
      return new HostError({ code: 'disk_full', path }, { cause: error });
    case 'EROFS':
      return new HostError({ code: 'disk_read_only', path }, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return new HostError({ code: 'disk_denied', path }, { cause: error });
    default:
      return new HostError({ code: 'disk_failed', path, errno }, { cause: error });
  }
}

/** Runs `work`, turning its system errors into coded ones about `path`. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(path, error);
  }
}
