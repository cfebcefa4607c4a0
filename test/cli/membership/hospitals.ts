/** Hospitals that type commands, each with a home in one folder. Keys are bare, so that nothing waits for scrypt. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runCommandLine } from '../../../src/cli/program.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';
import type { World } from '../../../src/cli/world.ts';

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a person answers, in turn. */
export function answering(...answers: string[]): Terminal & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    ask: (question) => {
      asked.push(question);
      const answer = answers.shift();
      return answer === undefined
        ? Promise.reject(new Error('nobody answers'))
        : Promise.resolve(answer);
    },
  };
}

/** 2026-11-29. */
export const nowMs = 1_795_910_400_000;

export interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: Terminal;
  readonly nowMs?: number;
}

/** Runs one command line. */
export async function typed(args: readonly string[], around: Circumstances = {}): Promise<Told> {
  let [out, err] = ['', ''];
  const nobody = (): Promise<never> => Promise.reject(new Error('not asked'));
  const world: World = {
    out: (text) => (out += text),
    err: (text) => (err += text),
    erase: () => undefined,
    ...{ isLive: false, columns: 100, nowMs: () => 0, signal: new AbortController().signal },
    ...{ dateMs: () => around.nowMs ?? nowMs, env: around.env ?? {} },
    terminal: around.terminal ?? null,
    ...{ mainJob: nobody, reproduce: nobody, predict: nobody },
  };
  return { code: await runCommandLine(args, world), out, err };
}

/** As `typed`, of a command that must succeed; its JSON. */
export async function done(args: readonly string[], around: Circumstances = {}): Promise<unknown> {
  const { code, out, err } = await typed([...args, '--format', 'json'], around);
  expect(code, `${args.join(' ')}: ${err}`).to.equal(0);
  return JSON.parse(out) as unknown;
}

/** A folder of hospitals, and what they type. */
export function hospitals(): {
  readonly at: (name: string) => string;
  readonly clear: () => void;
  /** Flags of a hospital's home and organisation's key. */
  readonly of: (id: string) => string[];
  readonly home: (id: string) => string[];
  readonly init: (id: string, ...more: string[]) => Promise<unknown>;
  /** Draft, sign and combine a first version of these, who have homes; the signed file. */
  readonly found: (name: string, ...ids: string[]) => Promise<string>;
  /** Signed by these and combined. */
  readonly signed: (draft: string, to: string, ...ids: string[]) => Promise<string>;
} {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-membership-'));
  const at = (name: string): string => join(folder, name);
  const home = (id: string): string[] => ['--home', at(`${id}.home`)];
  const of = (id: string): string[] => [...home(id), '--org-key', at(`${id}.org`)];
  const bare = ['--no-passphrase', '--no-org-passphrase'];
  const request = (id: string): string => at(`${id}.request`);
  const signed = async (draft: string, to: string, ...ids: string[]): Promise<string> => {
    const files = ids.map((id) => `${to}.${id}`);
    for (const [n, id] of ids.entries()) {
      await done(['consortium', 'sign', draft, ...of(id), '--yes', '-o', files[n]!]);
    }
    await done(['consortium', 'combine', ...files, ...home(ids[0]!), '-o', to]);
    return to;
  };
  return {
    ...{ at, home, of, signed },
    clear: () => {
      rmSync(folder, { recursive: true, force: true });
    },
    init: (id, ...more) =>
      done(['init', '--id', id, ...of(id), ...bare, '-o', request(id), ...more]),
    found: async (name, ...ids) => {
      const facts = ['--name', name, '--domain', 'ring.example', '--preset', 'smoke'];
      const draft = at(`${name}.draft`);
      await done(['consortium', 'draft', ...facts, ...ids.map(request), '-o', draft]);
      return signed(draft, at(`${name}.signed`), ...ids);
    },
  };
}
