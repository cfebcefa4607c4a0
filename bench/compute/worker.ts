/** One side of the comparison as a child process: a request of JSON per line in, an answer per line out. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { packageFile } from '../../src/host/index.ts';
import type { NativeOptions, Precision } from '../../src/compute/index.ts';
import type { Case } from './cases.ts';

export type Request =
  | {
      readonly do: 'hello';
      readonly threads: number;
      readonly backend: string;
      /** Of our native backend. */
      readonly options?: Partial<NativeOptions>;
      /** PyTorch's; the processor unless given. */
      readonly device?: 'cpu' | 'cuda';
      /** Of PyTorch on a card: whether products are of ten bits of mantissa, as its convolutions are unless told otherwise. */
      readonly tf32?: boolean;
    }
  | {
      readonly do: 'open';
      readonly case: Case;
      /** The case's tensors, safetensors. */
      readonly file: string;
      /** PyTorch's. */
      readonly precision: Precision;
      /** Ours: whether blocks run twice from the start, to hold less. */
      readonly recompute?: boolean;
    }
  | { readonly do: 'run'; readonly repeats: number }
  | { readonly do: 'output' }
  | { readonly do: 'memory' };

/** By request. */
export interface Answers {
  /** `threads` as the side uses them, whatever was asked. */
  readonly hello: {
    readonly version: string;
    readonly threads: number;
    /** What makes this side slower than it could be. */
    readonly note?: string | null;
  };
  readonly open: object;
  /** Of each repeat; processor time is of all threads, and the loss is the one before the step. */
  readonly run: {
    readonly wallMs: readonly number[];
    readonly cpuMs: readonly number[];
    readonly losses: readonly number[];
  };
  /** Of a net the finest logits by head, [d·h·w·class]; of a convolution the norms of its three results. */
  readonly output: { readonly values: Readonly<Record<string, readonly number[]>> };
  /**
   * The most memory that the process ever held (VmHWM), its libraries included; of ours also what the heap of the
   * backend has grown to, and whether blocks of a net run twice.
   */
  readonly memory: {
    readonly peakBytes: number;
    readonly heapBytes?: number;
    readonly recompute?: boolean;
  };
}

/** A running side. */
export class SideWorker {
  readonly #command: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #lastWords = '';

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#command = command;
    this.#child = spawn(command, args, { env });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#answers = this.#lines[Symbol.asyncIterator]();
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#lastWords = `${this.#lastWords}${text.toString()}`.slice(-2000);
    });
    // A child that is gone shows in its missing answer.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (error) => (this.#lastWords = error.message));
  }

  /** @throws when the side answers with an error, or not at all. */
  async ask<Name extends Request['do']>(
    request: Request & { readonly do: Name },
  ): Promise<Answers[Name]> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#answers.next();
    if (line.done === true) {
      const [words = ''] = this.#lastWords.trim().split('\n').slice(-1);
      throw new Error(`${this.#command} ended${words === '' ? ' without a word' : `: ${words}`}`);
    }
    const answer = JSON.parse(line.value) as Answers[Name] | { readonly error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  /** Ends the process. */
  end(): void {
    this.#lines.close();
    this.#child.kill();
  }
}

/** Our side, in this Node. */
export function startOwn(): SideWorker {
  const name = import.meta.url.endsWith('.ts') ? './own-worker.ts' : './own-worker.js';
  return new SideWorker(process.execPath, [new URL(name, import.meta.url).pathname]);
}

/** PyTorch's side. */
export function startTorch(python: string): SideWorker {
  // What tunes another library's idea of the processor would slow this one.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('OPENBLAS_')),
  );
  const script = packageFile('bench/compute/torch_worker.py');
  return new SideWorker(python, [script], { ...env, PYTHONDONTWRITEBYTECODE: '1' });
}
