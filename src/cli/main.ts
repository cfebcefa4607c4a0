/** The command's first line: gives the program the process, and the process the program's exit code. */
import { exitCodes, lineOf } from './errors.ts';
import { Outlet } from './outlet.ts';
import { runCommandLine } from './program.ts';
import { hearStopSignals, obeySignals } from './stop-signals.ts';
import { openTerminal } from './terminal.ts';
import { loadMainJob, loadPredict, loadReproduce } from './wiring.ts';

// `bin/annulus.js` under an older Node passes signals on; killed outright, it leaves us nobody to answer to.
if (process.env.ANNULUS_RESTARTED === '1') {
  process.once('disconnect', () => process.kill(process.pid, 'SIGHUP'));
  process.channel?.unref();
}

const out = new Outlet(process.stdout);
const err = new Outlet(process.stderr);
let stopSignal: AbortSignal | null = null;

const code = await runCommandLine(process.argv.slice(2), {
  out: out.write,
  err: err.write,
  erase: out.erase,
  isLive: process.stdout.isTTY && process.env.TERM !== 'dumb',
  columns: process.stdout.isTTY ? process.stdout.columns : 100,
  nowMs: () => performance.now(),
  dateMs: () => Date.now(),
  env: process.env,
  terminal: process.stdin.isTTY
    ? openTerminal(process.stdin, (text) => process.stderr.write(text))
    : null,
  get signal() {
    stopSignal ??= hearStopSignals((signal) => {
      err.write(`annulus: ${signal}: ending in order; once more ends it at once\n`);
    });
    return stopSignal;
  },
  mainJob: loadMainJob,
  reproduce: loadReproduce,
  predict: loadPredict,
});
await out.flushed();
if (out.fault !== null) err.write(`annulus: standard output: ${lineOf(out.fault)}\n`);
await err.flushed();
obeySignals();
// Left-over handles (a libp2p timer, a worker) must not keep a finished command alive.
process.exit(code === exitCodes.done && out.fault !== null ? exitCodes.unreachable : code);
