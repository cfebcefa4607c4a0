import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadPreset, type RunSettings } from '../../../src/config/index.ts';
import {
  attackFrom,
  drawnFaults,
  faultsFrom,
  runVirtual,
  SimulateError,
  withMembers,
  type VirtualPorts,
} from '../../../src/experiment/index.ts';
import type { ProgressEvent, RunRecord } from '../../../src/report/index.ts';
import { renderReport } from '../../../src/report/index.ts';
import { projectRoot } from '../../project-root.ts';

const text = readFileSync(join(projectRoot, 'config', 'smoke.yaml'), 'utf8');
/** One round of each teacher, two of the student. */
const smoke = (seed = 1): RunSettings =>
  loadPreset(text, 'smoke.yaml', [{ key: 'seed', text: String(seed), source: '--seed' }]);

const run = (
  settings: RunSettings,
  ports: Partial<VirtualPorts> = {},
  onProgress: (event: ProgressEvent) => void = () => undefined,
): Promise<RunRecord> =>
  runVirtual(
    settings,
    {
      id: 'v',
      faults: [],
      attack: null,
      untilMs: null,
      signal: new AbortController().signal,
      ...ports,
    },
    onProgress,
  );
const bytesOf = (record: RunRecord): string => JSON.stringify(record);

/** The power of one goes in the middle of the student; two cannot hear a third for some seconds. */
const faults: VirtualPorts['faults'] = faultsFrom(
  JSON.stringify([
    { kind: 'kill', node: 'L3', atMs: 7000, forMs: 4000 },
    { kind: 'cut', from: ['L1'], to: ['L2', 'L4'], atMs: 1000, forMs: 5000 },
  ]),
  'faults.json',
  smoke(),
);

describe('a run in virtual time', () => {
  it('carries out the plan of the preset to one model, and records it as a real run is', async () => {
    const events: ProgressEvent[] = [];
    const record = await run(smoke(), {}, (event) => events.push(event));
    expect(record.rounds.map(({ stage, outcome }) => [stage, outcome])).deep.equal([
      ['teacher-hps', 'sealed'],
      ['teacher-ms', 'sealed'],
      ['teacher-calc', 'sealed'],
      ['student', 'sealed'],
      ['student', 'sealed'],
    ]);
    expect(record.rounds.at(-1)!.participants.map(({ node }) => node)).deep.equal([
      ...['L1', 'L2', 'L3', 'L4'],
    ]);
    expect(record.nodes.map(({ id }) => id)).deep.equal(['L1', 'L2', 'L3', 'L4']);
    expect(new Set(record.nodes.map(({ modelDigest }) => modelDigest))).deep.equal(
      new Set([record.sealedDigest]),
    );
    // 3 + 2 + 2 + 4 + 4 updates, and a block for each OPEN, CUT and SEAL, where a SEAL and the next OPEN are one: 1 + 2 · 5.
    expect(record.log).deep.include({ ok: true, nodesVerified: 4, entries: 15 + 11, quorum: 3 });
    expect(record.machine).equal(null);
    expect(record.virtual).deep.include({ faults: [], outcome: 'done' });
    expect(record.startedAt).equal('2023-11-14T22:13:20.000Z');
    expect(events[0]).deep.include({ kind: 'run-started', hospitals: ['L1', 'L2', 'L3', 'L4'] });
    expect(events.at(-1)).deep.include({ kind: 'run-finished', allEqual: true, logOk: true });
    expect(renderReport(record)).contain('in virtual time').and.not.contain('audit verify');
  });

  it('records an attack so that it can be repeated from the record', async () => {
    const text = JSON.stringify({ kind: 'sign-flip', factor: 10, liars: ['L4'] });
    const attack = attackFrom(text, 'attack.json', smoke());
    const record = await run(smoke(), { attack });
    expect(record.virtual).deep.include({ attack, outcome: 'done' });
    expect(attackFrom(bytesOf(record), 'record.json', smoke())).deep.equal(attack);
    expect(record.sealedDigest).not.equal((await run(smoke())).sealedDigest);
    expect(renderReport(record)).contain('L4 attacked the others');
    for (const bad of ['{}', '[]', '{', text.replace('L4', 'X4'), text.replace('10', '"10"')]) {
      expect(() => attackFrom(bad, 'attack.json', smoke()), bad)
        .to.throw(SimulateError, 'attack.json: ')
        .with.property('code', 'bad_attack');
    }
  });

  it('gives the same record, byte for byte, for the same seed and faults, and another for others', async () => {
    const [once, again] = [await run(smoke(), { faults }), await run(smoke(), { faults })];
    expect(bytesOf(again)).equal(bytesOf(once));
    expect(bytesOf(await run(smoke(2), { faults }))).not.equal(bytesOf(once));
    expect(bytesOf(await run(smoke()))).not.equal(bytesOf(once));
    // The record has all that is needed to repeat the run.
    const told = faultsFrom(bytesOf(once), 'record.json', smoke());
    expect(bytesOf(await run(smoke(), { faults: told }))).equal(bytesOf(once));
  });

  it('tells what went wrong, and when it was over', async () => {
    const { faults: seen, log } = await run(smoke(), { faults });
    const told = seen.filter(({ kind }) => kind !== 'excluded' && kind !== 'caught-up');
    expect(told.map(({ node, kind, atMs }) => [node, kind, atMs])).deep.equal([
      ['all', 'disturbed', 1000],
      ['all', 'over', 6000],
      ['L3', 'killed', 7000],
      ['L3', 'restarted', 11_000],
    ]);
    expect(told[0]!.note).equal('what L1 send to L2 L4 is lost');
    expect(log.ok).equal(true);
  });

  it('is given up when its time is up, and says so', async () => {
    const all = [['L1'], ['L2'], ['L3'], ['L4']];
    const apart = { kind: 'partition', groups: all, atMs: 0, forMs: 60_000 } as const;
    const record = await run(smoke(), { faults: [apart as never], untilMs: 30_000 });
    expect(record.virtual?.outcome).equal('late');
    expect(record.log.ok).equal(false);
    expect(record.log.findings[0]).match(/time was up/);
    expect(record.sealedDigest).equal(null);
  });

  it('has as many hospitals as asked for, like those of the preset', async () => {
    const sixteen = withMembers(smoke(), 16);
    const { hospitals } = sixteen.consortium;
    expect(hospitals.map(({ id }) => id).slice(0, 3)).deep.equal(['L01', 'L02', 'L03']);
    expect(hospitals[4]!.cases).deep.equal(hospitals[0]!.cases);
    const record = await run(sixteen);
    expect(record.nodes.length).equal(16);
    expect(record.log).deep.include({ ok: true, nodesVerified: 16, quorum: 11 });
    for (const count of [0, 257, 1.5, NaN]) {
      expect(() => withMembers(smoke(), count), String(count))
        .throw(SimulateError)
        .with.property('code', 'bad_members');
    }
  });

  it('draws faults that end, the same for the same seed', () => {
    const drawn = drawnFaults(3, smoke());
    expect(drawn.length).within(1, 8);
    expect(drawnFaults(3, smoke())).deep.equal(drawn);
    expect(drawnFaults(4, smoke())).not.deep.equal(drawn);
    // What is drawn can be read again.
    expect(faultsFrom(JSON.stringify(drawn), 'drawn.json', smoke())).deep.equal(drawn);
    for (const { atMs, forMs } of drawn) expect(atMs + forMs).below(60_000);
  });

  it('stops when asked', async () => {
    const stop = new AbortController();
    const stopped = run(smoke(), { signal: stop.signal }, (event) => {
      if (event.kind === 'round-sealed') stop.abort('SIGINT');
    });
    const error: unknown = await stopped.catch((caught: unknown) => caught);
    expect(error).instanceOf(SimulateError).with.property('code', 'cancelled');
  });

  const refused: [string, unknown, RegExp][] = [
    ['no list', { virtual: null }, /a list/],
    ['no JSON', 'kill L3', /JSON/],
    ['an unknown kind', [{ kind: 'fire', node: 'L1', atMs: 0, forMs: 1 }], /kill, pause/],
    ['a stranger', [{ kind: 'kill', node: 'L9', atMs: 0, forMs: 1 }], /\[0\]\.node.*L1, L2, L3/],
    ['no end', [{ kind: 'kill', node: 'L1', atMs: 0 }], /\[0\]\.forMs/],
    ['a beginning before the start', [{ kind: 'kill', node: 'L1', atMs: -1, forMs: 1 }], /atMs/],
    ['more said', [{ kind: 'kill', node: 'L1', atMs: 0, forMs: 1, why: 'x' }], /unknown/],
    [
      'a share above 1',
      [{ kind: 'network', atMs: 0, forMs: 1, faults: { dropRate: 1.5 } }],
      /dropRate/,
    ],
    [
      'delays that cross',
      [{ kind: 'network', atMs: 0, forMs: 1, faults: { latencyMsMax: 1 } }],
      /latencyMsMin not above/,
    ],
  ];
  for (const [what, value, reason] of refused) {
    it(`refuses a list of faults with ${what}`, () => {
      const list = typeof value === 'string' ? value : JSON.stringify(value);
      expect(() => faultsFrom(list, 'my.json', smoke())).throw(SimulateError, reason);
      expect(() => faultsFrom(list, 'my.json', smoke())).throw(SimulateError, /^my\.json: /);
    });
  }
});
