/** Exit codes, and the one line that says why. */
import { CommanderError } from 'commander';
import { AnnulusError, InvariantError, messageOf } from '../base/index.ts';

/** What a shell or a script learns from the process. */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, incomplete: 4 } as const;

/** Of a run that a signal ended: 128 and the number of SIGHUP, SIGINT or SIGTERM, as shells count. */
export type StopCode = 129 | 130 | 143;

/** What a command ends with. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes] | StopCode;

/** Why a command ended without its result: what was typed, what a check found, what does not answer, or a signal. */
export type CliErrorFacts =
  | { readonly code: 'usage' }
  | { readonly code: 'check_failed' }
  | { readonly code: 'unreachable' }
  | { readonly code: 'stopped'; readonly exitCode: StopCode };

/** Something the person at the terminal can put right. */
export class CliError extends AnnulusError<CliErrorFacts> {}

/** Something in the command line that the person can put right; exit code 2. */
export function usageError(message: string, cause?: unknown): CliError {
  return new CliError({ code: 'usage' }, message, { cause });
}

/** The world said no: no room, no right, no answer, the address is taken. Codes of any room. */
const unreachableCodes: ReadonlySet<string> = new Set([
  'unreachable',
  'port_taken',
  'listen_failed',
  'disk_full',
  'disk_read_only',
  'disk_denied',
  'disk_failed',
  'folder_locked',
  'no_control',
  'bad_control',
  'cannot_listen',
  'backend_missing',
  'kernels_missing',
  'no_loopback',
  'too_few_files',
  'not_connected',
  'paused',
  'stalled',
]);

/** Our own failures, told apart from bad input. */
const failedCodes: ReadonlySet<string> = new Set([
  'check_failed',
  'cancelled',
  'training_failed',
  'worker_crashed',
  'job_failed',
  'diverged',
  'heap_exhausted',
  'gpu_failed',
  'thread_failed',
  'log_mismatch',
]);

/**
 * 0 help or version, 1 a check or a run failed, 2 wrong input, 3 the world does not answer, 4 a run is whole but rounds of
 * it lack a member, 128 + n ended by signal n.
 */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof CliError && error.facts.code === 'stopped') return error.facts.exitCode;
  const code = codeOf(error);
  if (code === null || failedCodes.has(code)) return exitCodes.failed;
  return unreachableCodes.has(code) || isSystemCode(code) ? exitCodes.unreachable : exitCodes.usage;
}

/** One line, without a stack. */
export function lineOf(error: unknown): string {
  const code = codeOf(error);
  if (code !== null && isSystemCode(code)) return systemLine(code, error);
  const message = messageOf(error);
  if (code === null || error instanceof InvariantError) {
    return `internal error: ${message} (ANNULUS_DEBUG=1 shows where)`;
  }
  return message;
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** `ENOSPC` and the like; Node's own errors (`ERR_…`) are programming errors. */
function isSystemCode(code: string): boolean {
  return /^E[A-Z0-9]+$/.test(code);
}

function systemLine(code: string, error: unknown): string {
  const path = error instanceof Error && 'path' in error ? String(error.path) : '';
  const about = path === '' ? '' : `${path}: `;
  const texts: Readonly<Record<string, string>> = {
    ENOENT: 'no such file or folder',
    ENOTDIR: 'is not a folder',
    EISDIR: 'is a folder, expected a file',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the disk is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk quota is used up',
    EADDRINUSE: 'the address is already in use',
  };
  return about + (texts[code] ?? `${code}: ${messageOf(error)}`);
}
