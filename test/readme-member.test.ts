/**
 * The member's path of README.md, word by word, with real processes: a consortium on one machine, then one of four hospitals that
 * make their homes, sign a manifest and start their nodes. Names of machines and folders are the test's, and the plan is a small one.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePorts } from '../src/host/index.ts';
import { projectRoot } from './project-root.ts';
import { readmeCommands } from './readme-commands.ts';

const ids = ['L1', 'L2', 'L3', 'L4'];
const program = join(projectRoot, 'bin', 'annulus.js');

/** The commands of the page that begin so, without `npx annulus`. */
function commands(beginning: string): string[] {
  const found = readmeCommands.filter((line) => line.startsWith(`npx annulus ${beginning}`));
  expect(found.length, `README.md has: ${beginning}`).greaterThan(0);
  return found.map((line) => line.slice('npx annulus '.length));
}

describe("README.md, the member's path", function () {
  this.timeout(400_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-member-'));
  const net = join(folder, 'net');
  const running: ChildProcess[] = [];
  const passphrase = join(folder, 'org-passphrase');

  before(() => {
    writeFileSync(passphrase, 'a long passphrase of the organisation\n', { mode: 0o600 });
  });
  after(async () => {
    for (const child of running) await ended(child, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });

  /** Runs one command as it stands on the page, at one hospital's machine: a folder and a home of its own. */
  function type(command: string, id = 'L1'): string {
    const done = spawnSync(`${program} ${command}`, at(id));
    expect(done.status, `${id}: ${command}\n${done.stdout}\n${done.stderr}`).equal(0);
    return done.stdout;
  }

  function begin(command: string, id = 'L1'): { child: ChildProcess; said: () => string } {
    const child = spawn(`exec ${program} ${command}`, {
      ...at(id),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data: Buffer) => (text += data.toString()));
    }
    return { child, said: () => text };
  }

  function at(id: string): { shell: true; cwd: string; encoding: 'utf8'; env: NodeJS.ProcessEnv } {
    const cwd = join(folder, id);
    mkdirSync(cwd, { recursive: true });
    const env = {
      ...process.env,
      ANNULUS_HOME: join(folder, id, 'home'),
      ANNULUS_PASSPHRASE: 'a long passphrase of the node',
      ANNULUS_ORG_PASSPHRASE_FILE: passphrase,
    };
    return { shell: true, cwd, encoding: 'utf8', env };
  }

  it('runs a consortium on one machine', async () => {
    const [testnet = ''] = commands('testnet');
    const { child, said } = begin(testnet.replace('-o net', `-o ${net}`));
    await until(() => said().includes('round 1 of') || child.exitCode !== null, said);
    const [status = ''] = commands('status --home net/L1/home');
    expect(type(status.replace('net/', `${net}/`))).contain('L4');
    const [wait = ''] = commands('wait --done');
    expect(type(wait.replace('net/', `${net}/`))).contain('reached');
    const [verify = ''] = commands('audit verify net');
    expect(type(verify.replace(/net$/, net))).contain('VERIFIED: 4 of 4');
    expect(said()).contain('http://127.0.0.1:');
    await ended(child, 'SIGINT');
  });

  it('founds one of four hospitals, whose nodes train one model', async () => {
    const ports = await freePorts('127.0.0.1', ids.length);
    const [init = ''] = commands('init');
    for (const [index, id] of ids.entries()) {
      const own = init
        .replace('L1', id)
        .replace('annulus.l1.example:4001', `127.0.0.1:${ports[index]}`)
        .replace('--labels hps,ms', labelsOf(join(net, id, 'data')));
      expect(type(own, id)).match(/([a-z]+ ){7}[a-z]+/); // eight words
      for (const beginning of ['data check', 'data import']) {
        const [line = ''] = commands(beginning);
        type(line.replace('/data/hearts', join(net, id, 'data')), id);
      }
      for (const other of ids) copy(id, `${id}.join-request.json`, other);
    }
    const [draft = ''] = commands('consortium draft');
    type(draft.replace('eight-hospitals', 'smoke'));
    const [sign = ''] = commands('consortium sign');
    for (const id of ids) {
      copy('L1', 'heart-ring-v0.draft.json', id);
      // Where the page says yes by hand.
      type(`${sign.replace('L1', id)} --yes`, id);
      copy(id, `heart-ring-v0.signed-${id}.json`, 'L1');
    }
    type(commands('consortium combine')[0] ?? '');
    const [takeIn = ''] = commands('join');
    for (const id of ids) {
      copy('L1', 'heart-ring-v0.json', id);
      type(takeIn, id);
    }
    expect(type(commands('preflight')[0] ?? '')).contain('compute');
    const [start = ''] = commands('start');
    // Four live pages on one machine cannot have one port.
    const nodes = ids.map((id) => begin(`${start} --set dashboard.isOn=false`, id));
    const said = (): string => nodes.map((node) => node.said()).join('\n');
    await until(() => said().includes('round 1 of'), said);
    expect(type('status')).contain('L4');
    for (const id of ids) type('wait --done', id);
    for (const { child } of nodes) await ended(child, 'SIGTERM');
    const verdicts = ids.map((id) => type(`audit verify home`, id));
    const roots = new Set(verdicts.map((text) => /root ([0-9a-f]{64})/.exec(text)?.[1]));
    expect([...roots]).lengthOf(1);
  });

  function copy(from: string, name: string, to: string): void {
    mkdirSync(join(folder, to), { recursive: true });
    if (from !== to) writeFileSync(join(folder, to, name), readFileSync(join(folder, from, name)));
  }
});

/** `--labels …` for what the phantoms in a folder have. */
function labelsOf(data: string): string {
  const labels = [
    ['hps', 'hps.mrk.json'],
    ['ms', 'ms.mrk.json'],
    ['calc', 'calc.nii.gz'],
  ] as const;
  const cases = spawnSync('ls', [join(data, 'train')], { encoding: 'utf8' }).stdout.split('\n');
  const has = (file: string): boolean =>
    cases.some((name) => name !== '' && existsSync(join(data, 'train', name, file)));
  const found = labels.filter(([, file]) => has(file)).map(([task]) => task);
  return found.length === 0 ? '' : `--labels ${found.join(',')}`;
}

/** Ends a process, and waits for it. A shell stands between. */
async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once('close', resolve));
  child.kill(signal);
  await over;
}

async function until(holds: () => boolean, said: () => string): Promise<void> {
  const endMs = Date.now() + 120_000;
  while (!holds()) {
    if (Date.now() > endMs) throw new Error(`not in time:\n${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
