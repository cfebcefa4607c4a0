/** Signals that ask a process to end, and how a run answers: in order, within a bounded time, with the code they stand for. */
import { constants } from 'node:os';
import { CliError, type StopCode } from './errors.ts';

/** Ctrl-C, a polite kill, and a terminal that was closed. */
export const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** One of `stopSignals`. */
export type StopSignal = (typeof stopSignals)[number];

/** One Ctrl-C may come more than once: from the terminal, and from whoever started this process. */
const sameMsMax = 500;

/** How long a run may take to end in order. It can go on after any end, so that nothing is lost by the end of patience. */
const graceMs = 1_500;

/**
 * From now on the first signal asks, and a second one ends the process at once.
 * @returns fires with the signal's name as its reason
 */
export function hearStopSignals(onFirst: (signal: StopSignal) => void): AbortSignal {
  const stop = new AbortController();
  let firstMs = 0;
  for (const signal of stopSignals) {
    process.on(signal, () => {
      if (!stop.signal.aborted) {
        firstMs = performance.now();
        onFirst(signal);
        stop.abort(signal);
      } else if (performance.now() - firstMs > sameMsMax) {
        obeySignals();
        process.kill(process.pid, signal);
      }
    });
  }
  return stop.signal;
}

/** Signals end the process again, without being asked about. */
export function obeySignals(): void {
  for (const signal of stopSignals) process.removeAllListeners(signal);
}

/**
 * The result of `work`, which is left alone when it has not ended some time after the signal.
 *
 * @param words what to say of a run that was stopped
 * @throws {CliError} 'stopped' when the signal ended it
 */
export async function unlessStopped<T>(
  signal: AbortSignal,
  words: () => string,
  work: () => Promise<T>,
): Promise<T> {
  const stopped = (cause?: unknown): CliError =>
    new CliError({ code: 'stopped', exitCode: stopCodeOf(signal.reason) }, words(), { cause });
  const isStopped = (): boolean => signal.aborted;
  if (isStopped()) throw stopped();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const patience = new Promise<never>((_, reject) => {
    onAbort = (): void => {
      timer = setTimeout(() => {
        reject(stopped());
      }, graceMs);
    };
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work(), patience]);
  } catch (error) {
    throw isStopped() && !(error instanceof CliError) ? stopped(error) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

/** 128 + the signal's number, as shells count. */
function stopCodeOf(reason: unknown): StopCode {
  const name = stopSignals.find((signal) => signal === reason) ?? 'SIGINT';
  return (128 + constants.signals[name]) as StopCode;
}
