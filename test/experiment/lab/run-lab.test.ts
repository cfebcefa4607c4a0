import { expect } from 'chai';
import { runLab } from '../../../src/experiment/index.ts';
import { decodeState } from '../../../src/experiment/lab/state-file.ts';
import { order, run, settingsWith } from './lab-orders.ts';

const averaging = { training: { learningRate: 0 }, task: { startStdDev: 1 } };

describe('a run of the laboratory', function () {
  this.timeout(60_000);

  it('of a hundred nodes is the same bytes a second time, and with three threads', async () => {
    const hundred = {
      ...{ nodes: 100, rounds: 20, task: { noiseStdDev: 0.1 } },
      topology: { kind: 'el-local', degree: 3 },
      links: { lossRate: 0.1, delayMsSpread: 50 },
      sites: { slownessMax: 20 },
      timeoutMs: 200,
    };
    const bytesOf = async (workers: number): Promise<string> => {
      const { record, rounds, states } = await run(hundred, { workers, snapshots: [20] });
      const state = Buffer.from(states.get(20) ?? []).toString('hex');
      return JSON.stringify([record, rounds, state]);
    };
    const first = await bytesOf(1);
    expect((await bytesOf(1)) === first).equal(true);
    expect((await bytesOf(3)) === first).equal(true);
  });

  it('keeps the mean and contracts as the spectrum of the graph says', async () => {
    const { rounds } = await run({
      ...{ ...averaging, nodes: 16, rounds: 60, precision: 'f64' },
      topology: { kind: 'ring' },
    });
    const [first, last] = [rounds[0], rounds.at(-1)];
    // W = circulant of 1/3, 1/3, 1/3: its second eigenvalue is (1 + 2 cos(2π/16)) / 3.
    expect(last?.contraction).closeTo((1 + 2 * Math.cos(Math.PI / 8)) / 3, 1e-3);
    expect((last?.errorOfMean ?? 0) / (first?.errorOfMean ?? 1)).closeTo(1, 1e-12);
  });

  it('has the exact mean after log2 n exchanges of a one-peer exponential graph', async () => {
    const { record } = await run({
      ...{ ...averaging, nodes: 64, rounds: 6, precision: 'f64' },
      topology: { kind: 'one-peer-exponential' },
    });
    expect(record.final.consensus).lessThan(1e-28);
  });

  it('takes the time and the bytes that arithmetic says', async () => {
    const { record } = await run({ nodes: 8, rounds: 5, links: { bytesPerSecond: 1000 } });
    const { timeMs, messages, modelBytes, headerBytes, steps } = record.final;
    // Two neighbours each: 8 · 2 · 5 messages of 10 float32 numbers and 200 bytes beside.
    expect([messages, modelBytes, headerBytes, steps]).deep.equal([80, 80 * 40, 80 * 200, 40]);
    // A step of 10 ms, two messages of 240 ms one after the other, 20 ms on the way: 510 ms a round.
    expect(timeMs).closeTo(5 * 510, 1e-9);
  });

  it('waits for a lost message until the timeout and goes on without it', async () => {
    const { record } = await run({
      ...{ nodes: 8, rounds: 3, timeoutMs: 1000, links: { lossRate: 1 } },
    });
    const { timeMs, lost, messages } = record.final;
    expect(timeMs).closeTo(3 * 1010, 1e-9);
    expect([lost, messages]).deep.equal([48, 48]);
    // All alone: each node goes down its own quadratic, and no mean of models moves as theirs.
    expect(record.nodes.every(({ steps }) => steps === 3)).equal(true);
  });

  it('is left alone by nodes that are away, who come back, and by those who are gone', async () => {
    const away = await run({
      ...{ nodes: 8, rounds: 40, timeoutMs: 100 },
      sites: { absentShare: 0.5, absentMs: 500 },
    });
    // Four of them miss some rounds of at most 110 ms each: 500 ms are at least 4 of them.
    const missed = away.record.nodes.map(({ steps }) => 40 - steps).filter((count) => count > 0);
    expect(missed.length).greaterThan(0).lessThan(5);
    expect(away.record.final.present).equal(8);
    const gone = await run({ nodes: 8, rounds: 40, sites: { churnShare: 0.25 } });
    expect(gone.record.final.present).equal(6);
  });

  it('goes on from a snapshot as if it had never stopped', async () => {
    for (const mode of ['synchronous', 'asynchronous']) {
      for (const algorithm of ['d-psgd', 'push-sum']) {
        const changes = { mode, nodes: 8, rounds: 12, training: { algorithm } };
        const whole = await run(changes, { snapshots: [5, 12] });
        const state = decodeState(whole.states.get(5) ?? new Uint8Array(), 'state');
        const rest = await run(changes, { state, snapshots: [12] });
        const same = Buffer.compare(
          whole.states.get(12) ?? new Uint8Array(),
          rest.states.get(12) ?? new Uint8Array(1),
        );
        expect(same, `${mode} ${algorithm}`).equal(0);
        expect(rest.rounds).deep.equal(
          whole.rounds.slice(5).map((one, at) => (at === 0 ? rest.rounds[0] : one)),
        );
      }
    }
  });

  it('forks: another graph from the same moment, computed or from a snapshot', async () => {
    const same = { nodes: 8, rounds: 20, training: { algorithm: 'local-sgd' } };
    const from = { settings: settingsWith(same), files: {}, fork: null };
    const kept = await runLab(from, { ...order, untilRound: 10, snapshots: [10] });
    const settings = settingsWith({ ...same, topology: { kind: 'complete' } });
    const fork = { settings, files: {}, fork: { from, round: 10 } };
    const state = decodeState(kept.states.get(10) ?? new Uint8Array(), 'state');
    const computed = await runLab(fork, order);
    expect(await runLab(fork, { ...order, state })).deep.equal(computed);
    expect(computed.rounds[0]?.error).equal(kept.record.final.error);
    expect(computed.rounds.map(({ round }) => round)).deep.equal([
      10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    ]);
    // Everybody hears everybody: one exchange leaves rounding alone.
    expect(computed.record.final.consensus).lessThan(1e-10);
  });

  it('refuses a state of other nodes', async () => {
    const other = await run({ nodes: 8, rounds: 2 }, { snapshots: [2] });
    const state = decodeState(other.states.get(2) ?? new Uint8Array(), 'state');
    const refused = await run({ nodes: 9, rounds: 4 }, { state }).catch((error: unknown) => error);
    expect(String(refused)).contain('expected a state of 90 numbers');
  });

  it('says when models grow beyond all bounds', async () => {
    const failed = await run({ training: { learningRate: 10 }, rounds: 2000 }).catch(
      (error: unknown) => error,
    );
    expect((failed as { code?: string }).code).equal('diverged');
  });

  for (const algorithm of ['local-sgd', 'd-psgd', 'gradient-tracking', 'push-sum', 'choco']) {
    it(`learns by ${algorithm}`, async () => {
      const { rounds, record } = await run({
        ...{ nodes: 16, rounds: 200, training: { algorithm, learningRate: 0.1 } },
        topology: { kind: 'regular' },
      });
      expect(record.final.error / (rounds[0]?.error ?? 0)).lessThan(0.05);
    });
  }

  it('by gradient tracking comes to the best model itself, where D-PSGD stays beside it', async () => {
    const errorOf = async (algorithm: string): Promise<number> => {
      const changes = { precision: 'f64', rounds: 3000, measureEvery: 3000 };
      const training = { algorithm, learningRate: 0.1 };
      return (await run({ ...changes, nodes: 8, training })).record.final.error;
    };
    expect(await errorOf('gradient-tracking')).lessThan(1e-12);
    expect(await errorOf('d-psgd')).greaterThan(1e-4);
  });

  it('learns where nobody waits, in less time than where all do', async () => {
    const changes = {
      nodes: 16,
      rounds: 100,
      topology: { kind: 'regular' },
      sites: { slownessMax: 20 },
    };
    const training = { algorithm: 'local-sgd' };
    const waiting = await run({ ...changes, training });
    const free = await run({ ...changes, training, mode: 'asynchronous' });
    expect(free.record.final.timeMs).lessThan(waiting.record.final.timeMs / 2);
    expect(free.record.final.error / (free.rounds[0]?.error ?? 0)).lessThan(0.3);
  });
});
