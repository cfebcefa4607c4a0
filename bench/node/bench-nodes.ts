/** Nodes of a test network as processes of a bench: started, asked for their status, waited for. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPreset, type RunSettings } from '../../src/config/index.ts';
import type { TestnetNode } from '../../src/daemon/index.ts';
import { readStatus, type NodeStatus } from '../../src/dashboard/index.ts';
import { askControl, packageFile } from '../../src/host/index.ts';

/** The program that is measured: `npm run build` makes it. */
export const main: string = packageFile('dist/src/cli/main.js');

/** A node as a bench sees it: its process, and the greatest height that it told of. */
export interface BenchNode extends TestnetNode {
  child: ChildProcess | null;
  height: number;
  /** The end of what it has printed. */
  said: string;
}

/** One line with the time since the bench began. */
export function say(text: string): void {
  process.stdout.write(`${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${text}\n`);
}

/** The smoke preset with a student of so many rounds. */
export function smokeOf(rounds: number): RunSettings {
  const text = readFileSync(packageFile('config/smoke.yaml'), 'utf8');
  return loadPreset(text, 'smoke.yaml', [
    { key: 'training.student.rounds', text: String(rounds), source: 'bench' },
  ]);
}

/** Starts the node's process, with further settings `key=value` and flags for Node. */
export function startNode(
  node: BenchNode,
  settings: readonly string[] = [],
  nodeFlags: readonly string[] = [],
): void {
  const sets = ['dashboard.isOn=false', ...settings].flatMap((one) => ['--set', one]);
  const args = [...nodeFlags, main, 'start', '--home', node.home, ...sets];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const hear = (part: Buffer): void => {
    node.said = (node.said + part.toString()).slice(-4000);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  node.child = child;
}

/** Resolves when the process has ended. */
export async function ended(child: ChildProcess | null): Promise<void> {
  if (child?.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => child.once('close', () => { resolve(); })); // prettier-ignore
}

/** Null while the node does not answer. */
export async function statusOf(node: BenchNode): Promise<NodeStatus | null> {
  try {
    const asked = { method: 'GET', path: '/status' } as const;
    const { body } = await askControl(join(node.home, 'control.sock'), asked);
    const status = readStatus(JSON.stringify(body));
    node.height = Math.max(node.height, status.node.height);
    return status;
  } catch {
    return null;
  }
}
