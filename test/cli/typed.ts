/** A command line in this process. */
import { runCommandLine } from '../../src/cli/program.ts';
import type { World } from '../../src/cli/world.ts';

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * What the command says.
 *
 * @param parts of its world: rooms behind it (where they are absent, neither training nor prediction is), and for a command that
 * goes on until it is told to end, who hears it and the signal; whether it speaks to a terminal
 */
export async function runTyped(
  args: readonly string[],
  parts: Partial<
    Pick<World, 'mainJob' | 'reproduce' | 'predict' | 'out' | 'signal' | 'isLive'>
  > = {},
): Promise<Told> {
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
    ...parts,
  });
  return { code, out, err };
}
