/** A command line in this process. */
import { runCommandLine } from '../../src/cli/program.ts';

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What the command says; neither training nor prediction is behind it. */
export async function runTyped(args: readonly string[]): Promise<Told> {
  let out = '';
  let err = '';
  const nobody = (): Promise<never> => Promise.reject(new Error('not asked'));
  const code = await runCommandLine(args, {
    out: (text) => (out += text),
    err: (text) => (err += text),
    erase: () => undefined,
    isLive: false,
    columns: 100,
    nowMs: () => 0,
    ...{ dateMs: () => 0, env: {}, terminal: null },
    signal: new AbortController().signal,
    mainJob: nobody,
    reproduce: nobody,
    predict: nobody,
  });
  return { code, out, err };
}
