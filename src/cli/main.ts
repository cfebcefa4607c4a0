/** The command's first line: gives the program the process, and the process the program's exit code. */
import { runCommandLine } from './program.ts';
import { loadMainJob, loadPredict, loadReproduce } from './wiring.ts';

const stop = new AbortController();
let signals = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    signals += 1;
    // The first asks, the second insists.
    if (signals > 1) process.exit(1);
    stop.abort();
  });
}
// A reader that went away (`annulus … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const code = await runCommandLine(
  process.argv.slice(2),
  {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isLive: process.stdout.isTTY && process.env.TERM !== 'dumb',
    columns: process.stdout.isTTY ? process.stdout.columns : 100,
    nowMs: () => performance.now(),
    signal: stop.signal,
    mainJob: loadMainJob,
    reproduce: loadReproduce,
    predict: loadPredict,
  },
  process.env,
);
// Left-over handles (a libp2p timer, a worker) must not keep a finished command alive.
process.stdout.write('', () => process.exit(code));
