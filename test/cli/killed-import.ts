/** `annulus` with the arguments behind the first, in this process, which kills itself as soon as so many cases are through. */
import { runCommandLine } from '../../src/cli/program.ts';

const [count = '', ...args] = process.argv.slice(2);
const nobody = (): Promise<never> => Promise.reject(new Error('not asked'));

process.exitCode = await runCommandLine(args, {
  out: (text) => {
    // SIGKILL is no exit: threads that write are cut off where they are, and nothing is tidied up.
    if (text.startsWith(`case ${count} of`)) process.kill(process.pid, 'SIGKILL');
  },
  err: (text) => process.stderr.write(text),
  erase: () => undefined,
  isLive: true,
  columns: 100,
  nowMs: () => 0,
  ...{ dateMs: () => 0, env: {}, terminal: null },
  signal: new AbortController().signal,
  mainJob: nobody,
  reproduce: nobody,
  predict: nobody,
});
