/** Questions to the person at the terminal; secrets are typed unseen. */
import type { ReadStream } from 'node:tty';
import { printableText } from '../base/index.ts';
import { CliError } from './errors.ts';

/** Whom questions are put to. */
export interface Terminal {
  /**
   * Shows `question` and gives the line that is typed, without its end.
   *
   * @param isSecret nothing of what is typed is shown
   * @throws {CliError} 'stopped' on Ctrl-C; 'usage' when the terminal ends before a line does
   */
  ask(question: string, isSecret: boolean): Promise<string>;
}

const lineMax = 1024;
const keys = {
  interrupt: '\u0003',
  end: '\u0004',
  backspace: '\u007f',
  other: '\b',
  kill: '\u0015',
};

/** The terminal behind `input`; questions go to standard error by `write`, since standard output is for results. */
export function openTerminal(input: ReadStream, write: (text: string) => void): Terminal {
  return {
    ask: async (question, isSecret) => {
      write(printableText(question));
      // Raw also when the line may be seen: then both are read, echoed and interrupted the same way.
      input.setRawMode(true);
      try {
        return await readLine(input, isSecret ? (): void => undefined : write);
      } finally {
        input.setRawMode(false);
        input.pause();
        write('\n');
      }
    },
  };
}

/** One line, echoed to `echo`; what comes after its end in the same piece is given up. */
function readLine(input: ReadStream, echo: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let line: string[] = [];
    const end = (finish: () => void): void => {
      input.off('data', onData);
      input.off('end', onEnd);
      finish();
    };
    const onEnd = (): void => {
      end(() => {
        reject(new CliError({ code: 'usage' }, 'the terminal was closed before an answer'));
      });
    };
    const onData = (piece: Buffer | string): void => {
      for (const key of piece.toString()) {
        if (key === '\r' || key === '\n') {
          end(() => {
            resolve(line.join(''));
          });
          return;
        }
        if (key === keys.interrupt) {
          end(() => {
            reject(new CliError({ code: 'stopped', exitCode: 130 }, 'stopped at a question'));
          });
          return;
        }
        if (key === keys.end && line.length === 0) {
          onEnd();
          return;
        }
        if (key === keys.backspace || key === keys.other) {
          if (line.pop() !== undefined) echo('\b \b');
        } else if (key === keys.kill) {
          echo('\b \b'.repeat(line.length));
          line = [];
        } else if (key >= ' ' && line.length < lineMax) {
          line.push(key);
          echo(key);
        }
      }
    };
    input.on('data', onData);
    input.on('end', onEnd);
    input.resume();
  });
}
