/** Hospitals with a home and a process each, for tests that change who is a member by the commands that people type. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import type { LogVerdict, RunVerdict } from '../../src/audit/index.ts';
import { loadPreset, type HospitalSettings, type RunSettings } from '../../src/config/index.ts';
import { readStatus, type NodeStatus } from '../../src/dashboard/index.ts';
import { caseCount, phantomFiles, phantomOf } from '../../src/distill/index.ts';
import { askControl, freePorts } from '../../src/host/index.ts';
import { projectRoot } from '../project-root.ts';
import { annulus, done, NodeProcess, type Ended } from './processes.ts';

/** What the tests with real processes are made like. */
export const smoke: RunSettings = loadPreset(
  readFileSync(join(projectRoot, 'config/smoke.yaml'), 'utf8'),
  'smoke.yaml',
);

/** The hospital's phantoms as its own folder would hold them. */
export function writePhantoms(folder: string, hospital: HospitalSettings): void {
  for (let index = 0; index < caseCount(hospital); index++) {
    const made = phantomOf(hospital, index, smoke);
    const place = join(folder, made.split, `case-${String(index).padStart(2, '0')}`);
    mkdirSync(place, { recursive: true });
    for (const [name, bytes] of phantomFiles(made, false)) writeFileSync(join(place, name), bytes);
  }
}

/** Who signs a version: a hospital with the key in use, or with another file. */
export type Signer = string | { readonly id: string; readonly orgKey: string };

/** Where the nodes run, when it is not this machine's loopback. */
export interface Places {
  /** `host:port` where the others reach a hospital's node. */
  addressOf(id: string): string;
  /** What its command line begins with. */
  before(id: string): readonly string[];
}

/** All hospitals of a test, in one folder of the machine. Hospitals beyond the preset's four are like one of those. */
export class Hospitals {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'annulus-members-'));
  readonly #running = new Map<string, NodeProcess>();
  readonly #orgKeys = new Map<string, string>();
  readonly #places: Places | null;

  /** @param places null for free ports of loopback */
  constructor(places: Places | null = null) {
    this.#places = places;
  }

  /** Hospitals that have founded a consortium and train: the first round has ended. */
  static async training(ids: readonly string[], studentRounds: number): Promise<Hospitals> {
    const hospitals = new Hospitals();
    await hospitals.found(ids, [`training.student.rounds=${studentRounds}`]);
    for (const id of ids) hospitals.start(id);
    const [first = ''] = ids;
    await hospitals.until(first, ({ rounds }) => rounds.length > 0);
    return hospitals;
  }

  /** The nodes that were started, by hospital. */
  get running(): ReadonlyMap<string, NodeProcess> {
    return this.#running;
  }

  at(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  home(id: string): string {
    return this.at(id, 'home');
  }

  request(id: string): string {
    return this.at(`${id}.json`);
  }

  orgKey(id: string): string {
    return this.#orgKeys.get(id) ?? this.at(`${id}-org.key`);
  }

  /** Makes the home of a hospital, and its phantoms. @param address free, where its node listens */
  async init(id: string, address: string, ...flags: readonly string[]): Promise<void> {
    const models = smoke.consortium.hospitals;
    const like = models[(Number(id.slice(1)) - 1) % models.length]!;
    writePhantoms(this.at(id, 'data'), { ...like, id });
    const labels = (['hps', 'ms', 'calc'] as const).filter((task) => like.cases[task] > 0);
    await done(
      ...['init', '--id', id, '--home', this.home(id), '--data', this.at(id, 'data')],
      ...['--address', address, '--listen', address],
      ...(labels.length === 0 ? [] : ['--labels', labels.join(',')]),
      ...['--org-key', this.orgKey(id), '--output', this.request(id)],
      ...['--no-passphrase', '--no-org-passphrase', ...flags],
    );
  }

  /** Founds the consortium by files. @param settings `key=value`, that differ from the preset's */
  async found(ids: readonly string[], settings: readonly string[]): Promise<void> {
    const ports = await freePorts('127.0.0.1', ids.length);
    const addressOf = (id: string, index: number): string =>
      this.#places?.addressOf(id) ?? `127.0.0.1:${ports[index]!}`;
    await Promise.all(ids.map((id, index) => this.init(id, addressOf(id, index))));
    await done(
      ...['consortium', 'draft', '--name', 'Smoke', '--domain', 'annulus.example'],
      ...['--preset', 'smoke', ...settings.flatMap((set) => ['--set', set])],
      ...['--home', this.home(ids[0]!), '-o', this.at('v0.draft.json')],
      ...ids.map((id) => this.request(id)),
    );
    await this.sign('v0', ids);
    await Promise.all(ids.map((id) => done('join', this.at('v0.json'), '--home', this.home(id))));
  }

  /** `NAME.draft.json` signed by these and put together into `NAME.json`. */
  async sign(name: string, signers: readonly Signer[]): Promise<void> {
    const files = signers.map((_, index) => this.at(`${name}.signed-${index}.json`));
    await Promise.all(
      signers.map(async (signer, index) => {
        const { id, orgKey } =
          typeof signer === 'string' ? { id: signer, orgKey: this.orgKey(signer) } : signer;
        const { code, err } = await this.signOne(name, id, orgKey, files[index]!);
        expect([code, err], `${name} signed by ${id}`).deep.equal([0, '']);
      }),
    );
    const first = typeof signers[0] === 'string' ? signers[0] : signers[0]!.id;
    await done(
      ...['consortium', 'combine', ...files, '--home', this.home(first)],
      ...['-o', this.at(`${name}.json`)],
    );
  }

  /** A newcomer's home, made with the invitation of `inviter`, and version `number` with it, signed by these. */
  async invite(
    id: string,
    inviter: string,
    number: number,
    signers: readonly string[],
  ): Promise<void> {
    const invitation = this.at(`for-${id}.json`);
    await done(
      ...['invite', '--home', this.home(inviter), '--org-key', this.orgKey(inviter)],
      ...['-o', invitation],
    );
    const [port = 0] = await freePorts('127.0.0.1', 1);
    await this.init(id, `127.0.0.1:${port}`, '--invitation', invitation);
    await done(
      ...['consortium', 'draft', '--add', this.request(id), '--home', this.home(inviter)],
      ...['-o', this.at(`v${number}.draft.json`)],
    );
    await this.sign(`v${number}`, [...signers, id]);
  }

  /** The machine of a hospital burns: its process and its home are gone; its organisation's key is in a safe. */
  async burn(id: string): Promise<void> {
    await this.running.get(id)?.kill();
    this.#running.delete(id);
    rmSync(this.at(id), { recursive: true });
  }

  /** Signs with the organisation's key alone, where no home is left. */
  async signWithoutHome(name: string, id: string, before: string, file: string): Promise<void> {
    await done(
      ...['consortium', 'sign', this.at(`${name}.draft.json`), '--yes', '-o', file],
      ...['--request', this.request(id), '--org-key', this.orgKey(id)],
      ...['--from', this.at(`${before}.json`)],
    );
  }

  /** Another key for an organisation: version `number` with it, drafted by `drafter`, signed by these and with its old and new key. */
  async replaceOrgKey(
    id: string,
    drafter: string,
    number: number,
    signers: readonly string[],
  ): Promise<void> {
    const orgKey = this.at(`${id}-org-2.key`);
    const request = this.at(`${id}-again.json`);
    await done(
      ...['member', 'rotate', '--home', this.home(id), '--new-org-key', orgKey],
      ...['--no-org-passphrase', '-o', request],
    );
    await done(
      ...['consortium', 'draft', '--replace', request, '--home', this.home(drafter)],
      ...['-o', this.at(`v${number}.draft.json`)],
    );
    await this.sign(`v${number}`, [...signers, id, { id, orgKey }]);
    this.#orgKeys.set(id, orgKey);
  }

  signOne(name: string, id: string, orgKey: string, file: string): Promise<Ended> {
    return annulus(
      ...['consortium', 'sign', this.at(`${name}.draft.json`), '--home', this.home(id), '--yes'],
      ...['--org-key', orgKey, '-o', file],
    );
  }

  /** Hands version `number` to the node of `by`, and waits until it is in force for all of `ids`. */
  async order(number: number, by: string, ids: readonly string[]): Promise<void> {
    await done('consortium', 'submit', this.at(`v${number}.json`), '--home', this.home(by));
    for (const id of ids) await this.inForce(number, id);
  }

  /** The node has the version, which it keeps when it is in force. */
  async inForce(number: number, id: string): Promise<void> {
    const file = join(this.home(id), 'consortium', `manifest-${number}.json`);
    await this.until(id, () => existsSync(file));
  }

  start(id: string): NodeProcess {
    const settings = ['dashboard.port=0', 'peer.tickMs=200', 'compute.workers=1'];
    const flags = settings.flatMap((set) => ['--set', set]);
    const node = new NodeProcess(this.home(id), flags, this.#places?.before(id));
    this.#running.set(id, node);
    return node;
  }

  async status(id: string): Promise<NodeStatus> {
    const asked = { method: 'GET', path: '/status' } as const;
    const { body } = await askControl(join(this.home(id), 'control.sock'), asked);
    return readStatus(JSON.stringify(body));
  }

  /** @returns the status of the node when it is as asked. @throws with all that it said, when it ends before */
  async until(id: string, is: (status: NodeStatus) => boolean): Promise<NodeStatus> {
    for (;;) {
      const status = await this.status(id).catch(() => null);
      if (status !== null && is(status)) return status;
      const node = this.running.get(id)!;
      if (node.hasEnded) throw new Error(`${id} ended:\n${node.text}`);
      await pause(50);
    }
  }

  /** A round that ended after now, in which `member` is in the average with a weight. @returns its number */
  async contributed(member: string, seenBy: string): Promise<number> {
    const before = (await this.status(seenBy)).rounds.at(-1)?.round ?? 0;
    const isIn = ({ rounds, node }: NodeStatus): number | null => {
      const found = rounds.find(
        ({ round, state, contributors }) =>
          round > before &&
          state === 'sealed' &&
          contributors.some(({ node: id, weight }) => id === member && (weight ?? 0) > 0),
      );
      if (found === undefined && node.isDone)
        throw new Error(`the plan ended before ${member} contributed: it is too short`);
      return found?.round ?? null;
    };
    return isIn(await this.until(seenBy, (status) => isIn(status) !== null))!;
  }

  /** What `annulus audit verify` says of the home; it must find nothing wrong, and the check in Python neither. */
  async verified(id: string): Promise<LogVerdict> {
    const out = await done('audit', 'verify', this.home(id), '--format', 'json');
    const { ok, logs } = JSON.parse(out) as RunVerdict;
    expect(ok, id).equal(true);
    const script = join(projectRoot, 'verify/verify_log.py');
    const log = join(this.home(id), 'node', 'log');
    const python = spawnSync('/usr/bin/python3', [script, log], { encoding: 'utf8' });
    expect([python.stderr, python.status], id).deep.equal(['', 0]);
    return logs[0]!.verdict;
  }

  /** What each node said last, for whoever reads why a test failed. */
  lastWords(): string {
    const texts = [...this.running].map(
      ([id, { hasEnded, text }]) =>
        `${id}, which ${hasEnded ? 'has ended' : 'runs'}:\n${text.split('\n').slice(-25).join('\n')}`,
    );
    return texts.join('\n');
  }

  /** Versions of the manifest after the genesis that lie beside the log of the hospital. */
  versionsOf(id: string): readonly string[] {
    const names = readdirSync(join(this.home(id), 'node', 'log'));
    return names.filter((name) => /^manifest-\d+\.json$/.test(name)).sort();
  }

  /** Ends what runs and removes everything. */
  async remove(): Promise<void> {
    await Promise.all([...this.running.values()].map((node) => node.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Stage and model of each round that has ended, as a log tells them. */
export function modelsOf({ rounds }: LogVerdict): string[] {
  return rounds
    .filter(({ outcome }) => outcome === 'sealed' || outcome === 'void')
    .map(({ stage, modelDigest }) => `${stage} ${modelDigest ?? '-'}`);
}

/** Rounds whose average has an update of this member with a weight. */
export function roundsWith({ rounds }: LogVerdict, id: string): number[] {
  return rounds
    .filter(({ participants }) => participants.some((one) => one.node === id && one.weight > 0))
    .map(({ round }) => round);
}
