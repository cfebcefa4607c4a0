/** The built command as a process of its own, started by an older Node as many machines have it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { packageFile } from '../../src/host/index.ts';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** Resolves when standard output or standard error has shown these words; rejects when it ends without. */
  readonly shows: (words: string) => Promise<void>;
  readonly ended: Promise<Ended>;
}

/** What says of itself that it is Node 20, where the machine has none. */
const pretends =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})';

/** A program and flags that start `bin/annulus.js` as a Node before 22.12 would. */
const olderNode: readonly string[] = ((): readonly string[] => {
  const found = ['/usr/local/bin/node', '/usr/bin/node'].find((path) => {
    const said = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout as string | null;
    return /^v(1[89]|2[01])\./.test(said ?? '');
  });
  return found === undefined ? [process.execPath, '--import', pretends] : [found];
})();

/** Its own process group, which `process.kill(-pid)` reaches whole, as a terminal's Ctrl-C does. */
export function start(args: readonly string[]): Started {
  const [program = '', ...flags] = [...olderNode, packageFile('bin/annulus.js'), ...args];
  const child = spawn(program, flags, { stdio: 'pipe', detached: true });
  let out = '';
  let err = '';
  let onText = (): void => undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    onText();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    onText();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal, out, err });
    });
  });
  const shows = (words: string): Promise<void> =>
    new Promise((resolve, reject) => {
      onText = (): void => {
        if (`${out}${err}`.includes(words)) resolve();
      };
      onText();
      void ended.then(() => {
        reject(new Error(`it ended without "${words}":\n${out}${err}`));
      });
    });
  return { child, shows, ended };
}
