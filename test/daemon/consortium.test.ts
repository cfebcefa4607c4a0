/** Four hospitals from an empty machine to one student: every step typed as a command, every node a process. */
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunVerdict } from '../../src/audit/index.ts';
import { readStatus, type NodeStatus } from '../../src/dashboard/index.ts';
import { askControl, freePorts } from '../../src/host/index.ts';
import { modelsOf, smoke, writePhantoms } from './hospitals.ts';
import { annulus, done, NodeProcess, WitnessProcess } from './processes.ts';

/** Of the student: about as many as are carried out while keys are renewed, one node is killed and one stopped. */
const studentRounds = 6;

describe('a consortium of real processes', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), 'annulus-nodes-'));
  const at = (...names: readonly string[]): string => join(folder, ...names);
  const ids = smoke.consortium.hospitals.map(({ id }) => id);
  const homes = ids.map((id) => at(id, 'home'));
  const running = new Map<string, NodeProcess>();
  let witness: WitnessProcess | null = null;
  const start = (home: string, ...further: readonly string[]): NodeProcess => {
    // Timings of the preset for one machine. A machine busy with other tests must not take a slow start for a lost peer.
    const settings = ['dashboard.port=0', 'peer.tickMs=200', 'compute.workers=1', ...further];
    const node = new NodeProcess(
      home,
      settings.flatMap((set) => ['--set', set]),
    );
    running.set(home, node);
    return node;
  };
  after(async () => {
    await witness?.kill();
    await Promise.all([...running.values()].map((node) => node.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('is founded by files alone, and no machine holds the key of another', async () => {
    const ports = await freePorts('127.0.0.1', ids.length);
    for (const [index, hospital] of smoke.consortium.hospitals.entries()) {
      writePhantoms(at(hospital.id, 'data'), hospital);
      const labels = (['hps', 'ms', 'calc'] as const).filter((task) => hospital.cases[task] > 0);
      await done(
        ...[
          'init',
          '--id',
          hospital.id,
          '--home',
          homes[index]!,
          '--data',
          at(hospital.id, 'data'),
        ],
        ...['--address', `127.0.0.1:${ports[index]!}`, '--listen', `127.0.0.1:${ports[index]!}`],
        ...(labels.length === 0 ? [] : ['--labels', labels.join(',')]),
        ...['--org-key', at(`${hospital.id}-org.key`), '--output', at(`${hospital.id}.json`)],
        ...['--no-passphrase', '--no-org-passphrase'],
      );
    }
    await done(
      ...['consortium', 'draft', '--name', 'Smoke', '--domain', 'annulus.example'],
      ...['--preset', 'smoke', '--set', `training.student.rounds=${studentRounds}`],
      ...['--home', homes[0]!, '-o', at('draft.json')],
      ...ids.map((id) => at(`${id}.json`)),
    );
    for (const [index, id] of ids.entries()) {
      await done(
        ...['consortium', 'sign', at('draft.json'), '--home', homes[index]!, '--yes'],
        ...['--org-key', at(`${id}-org.key`), '-o', at(`signed-${id}.json`)],
      );
    }
    const signed = ids.map((id) => at(`signed-${id}.json`));
    await done('consortium', 'combine', ...signed, '--home', homes[0]!, '-o', at('v0.json'));
    for (const home of homes) await done('join', at('v0.json'), '--home', home);
  });

  it('has each node say whom it waits for, until enough are there', async () => {
    for (const home of homes.slice(0, 2)) start(home);
    const first = homes[0]!;
    await answers(first);
    const { members, round, node } = await statusOf(first);
    expect([round, node.height, node.isDone]).deep.equal([null, 0, false]);
    const away = members.filter(({ id }) => id === ids[2] || id === ids[3]);
    expect(away.map(({ state }) => state)).deep.equal(['registered', 'registered']);
    for (const { reason } of away) expect(reason).a('string').not.equal('');
    // Only whoever owns the home may ask.
    expect(statSync(join(first, 'control.sock')).mode & 0o777).equal(0o600);
  });

  it('refuses a second process over the same home', async () => {
    const { code, err } = await annulus('start', '--home', homes[0]!);
    expect([code, err.includes('two nodes must never run with one key')]).deep.equal([3, true]);
  });

  it('trains one student, though one renews its keys, one is killed and one stopped in the middle', async () => {
    for (const home of homes.slice(2)) start(home);
    await done('wait', '--round', '1', '--timeout', '120', '--home', homes[0]!);
    // A member renews its keys meanwhile: its organisation signs, and its running node takes them up by itself.
    await done(
      ...['member', 'rotate', '--home', homes[3]!, '--org-key', at(`${ids[3]!}-org.key`)],
      ...['-o', at('v1.json')],
    );
    await done('consortium', 'submit', at('v1.json'), '--home', homes[3]!);
    await running.get(homes[2]!)!.kill();
    expect((await annulus('status', '--home', homes[2]!)).code).equal(3);
    start(homes[2]!);
    expect(await done('stop', '--home', homes[1]!)).equal('stopped\n');
    expect(await running.get(homes[1]!)!.ended()).equal(0);
    // A regulator wants to cosign this hospital's log, and is named to it while it is down.
    witness = await WitnessProcess.start(at('witness'), join(homes[1]!, 'node/log/policy'), 0);
    appendFileSync(join(homes[1]!, 'node.yaml'), `\n${witness.settingsLine}\n`);
    start(homes[1]!, 'witnesses.everyS=1');
    await answers(homes[0]!);
    await done('wait', '--done', '--timeout', '120', '--home', homes[0]!);
    // The version is ordered between two rounds, or after the last one.
    for (const home of homes) await until(home, ({ node }) => node.isDone && hasVersion(home));
  });

  it('has the last head of the one that asks cosigned by the witness outside', async () => {
    await until(homes[1]!, ({ witnesses, log }) => witnesses[0]?.size === log?.size);
    const { witnesses } = await statusOf(homes[1]!);
    expect(witnesses).length(1);
    expect(witnesses[0]).deep.include({ name: 'regulator.example/annulus', problem: null });
    expect(await done('status', '--home', homes[1]!)).match(
      /^witness +regulator\.example\/annulus, cosigned \d+ entries$/m,
    );
    expect(await witness!.stop('SIGINT')).equal(0);
  });

  it('goes on serving, and starts again over what it has', async () => {
    expect(running.get(homes[3]!)!.hasEnded).equal(false);
    expect(await done('status', '--health', '--home', homes[3]!)).equal('healthy\n');
    for (const home of homes) expect(await running.get(home)!.stop(), home).equal(0);
    for (const home of homes) start(home);
    for (const home of homes) await isDone(home);
    for (const home of homes) expect(await running.get(home)!.stop('SIGINT'), home).equal(0);
  });

  it('leaves the same models and the same verified log at all of them', async () => {
    const logs = await Promise.all(
      homes.map(async (home) => {
        const out = await done('audit', 'verify', home, '--format', 'json');
        const {
          ok,
          logs: [log],
        } = JSON.parse(out) as RunVerdict;
        expect(ok, home).equal(true);
        expect(hasVersion(home), home).equal(true);
        return { heights: log!.verdict.heights, models: modelsOf(log!.verdict) };
      }),
    );
    for (const log of logs) expect(log).deep.equal(logs[0]);
    const student = logs[0]!.models.filter((model) => model.startsWith('student ')).at(-1);
    expect(student).match(/^student [0-9a-f]{64}$/);
  });

  /** Whether the version with renewed keys is in force in the home. */
  function hasVersion(home: string): boolean {
    return existsSync(join(home, 'consortium', 'manifest-1.json'));
  }

  async function statusOf(home: string): Promise<NodeStatus> {
    const { body } = await askControl(join(home, 'control.sock'), {
      method: 'GET',
      path: '/status',
    });
    return readStatus(JSON.stringify(body));
  }

  /** Resolves when the node of `home` is as asked. @throws with all that it said, when it ends before */
  async function until(home: string, is: (status: NodeStatus) => boolean): Promise<void> {
    for (;;) {
      const status = await statusOf(home).catch(() => null);
      if (status !== null && is(status)) return;
      const node = running.get(home)!;
      if (node.hasEnded) throw new Error(`${home} ended:\n${node.text}`);
      await pause(50);
    }
  }

  const answers = (home: string): Promise<void> => until(home, () => true);
  const isDone = (home: string): Promise<void> => until(home, ({ node }) => node.isDone);
});
