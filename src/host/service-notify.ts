/**
 * What a supervisor of services is told (sd_notify(3)): ready, what is going on, still alive, about to end. Over `systemd-notify`,
 * since Node has no datagrams over Unix sockets; a unit needs `NotifyAccess=all` for it. Without `NOTIFY_SOCKET` nothing happens.
 */
import { execFile } from 'node:child_process';

/** A supervisor that hears of us. */
export interface ServiceNotify {
  /** Ends of silence after which the supervisor restarts us, ms; null when it does not watch. */
  readonly watchdogMs: number | null;
  /** The service does its work. */
  ready(status: string): void;
  /** One line on what it is doing. */
  status(text: string): void;
  /** Still alive. */
  alive(): void;
  stopping(): void;
  /** Resolves when all that was said is sent, or could not be. */
  flushed(): Promise<void>;
}

const program = 'systemd-notify';
const sendMsMax = 10_000;

/** @param env the environment that the supervisor gave */
export function serviceNotify(env: Readonly<Record<string, string | undefined>>): ServiceNotify {
  const { NOTIFY_SOCKET: socket = '', WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  let sending = Promise.resolve();
  const send = (...words: readonly string[]): void => {
    if (socket === '') return;
    // One after the other: STOPPING must not overtake READY.
    sending = sending
      .then(
        () =>
          new Promise<void>((resolve) => {
            const childEnv = { ...process.env, NOTIFY_SOCKET: socket };
            // It fails where systemd is not: nobody listens there either.
            execFile(program, [...words], { env: childEnv, timeout: sendMsMax }, () => {
              resolve();
            });
          }),
      )
      // A machine without memory for one more process throws at once. What is not said now is said again.
      .catch(() => undefined);
  };
  // Under an older Node, `bin/annulus.js` is the supervised process, and this one its child.
  const isForUs =
    pid === undefined || pid === '' || [process.pid, process.ppid].includes(Number(pid));
  const watchedMs = Number(usec) / 1000;
  return {
    watchdogMs: socket !== '' && isForUs && watchedMs > 0 ? watchedMs : null,
    ready: (status) => {
      send('--ready', `--status=${oneLine(status)}`);
    },
    status: (text) => {
      send(`--status=${oneLine(text)}`);
    },
    alive: () => {
      send('WATCHDOG=1');
    },
    stopping: () => {
      send('STOPPING=1');
    },
    flushed: () => sending,
  };
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').slice(0, 400);
}
