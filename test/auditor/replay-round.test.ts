import { expect } from 'chai';
import {
  AuditorError,
  decodeRoundKeys,
  disclosedKeys,
  discloseRound,
  encodeRoundKeys,
  loggedRound,
  replayedName,
  replayRound,
  type AuditorErrorFacts,
} from '../../src/auditor/index.ts';
import { readModel } from '../../src/weights/index.ts';
import type { RoundRule } from '../../src/wire/index.ts';
import type { PeerNetwork } from '../peer/peer-network.ts';
import { plainRule } from '../wire/sample-stage.ts';
import { ids, logOf, portsOf, trainedWorld } from './replayed-world.ts';

/**
 * (10 · 0.5 + 20 · 0.25 - 30 · 0.25 + 40 · 0.125) / 100 = 0.075 in every parameter and round, in integers of s bits: with
 * n = 4 and C = 1, 4 · 2^s < 2^31 gives s = 28. Every q = x · w / 100 · 2^28 is rounded, so the mean is within 4 units.
 */
const meanChange = 0.075;
const unit = 2 ** -28;

const mixing: RoundRule = {
  ...plainRule,
  ...{ kind: 'mixing', topology: { kind: 'base', k: 1 }, steps: 0 },
  ...{ epsilonNano: 10_000, patienceMs: 30_000 },
};

async function failure(work: Promise<unknown>): Promise<AuditorErrorFacts & { message: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AuditorError) return { ...error.facts, message: error.message };
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a round repeated', () => {
  let world: PeerNetwork;

  before(async () => {
    world = await trainedWorld(plainRule);
  });

  it('makes the sealed model again to the last bit, from one member’s copy', async () => {
    const log = await logOf(world, 'L2');
    const ports = portsOf(world, ['L2']);
    for (const round of [1, 2, 3]) {
      const replay = await replayRound(await loggedRound(log, round), ports);
      expect(replay).deep.include({
        ok: true,
        round,
        rule: 'exact',
        mixed: null,
        isSumRight: true,
      });
      expect(replay.replayed).equal(world.sealedModels('L1')[round - 1]);
      const made = await readModel(ports.store, replayedName, replay.layout);
      for (const value of made[0]!.data) {
        expect(value).closeTo(round * meanChange, round * 4 * 100 * unit);
      }
    }
  });

  it('says that a seal of another model is false', async () => {
    const round = await loggedRound(await logOf(world, 'L1'), 2);
    const other = await loggedRound(await logOf(world, 'L1'), 3);
    const lied = { ...round, seal: { ...round.seal, agg: other.seal.agg } };
    expect(await replayRound(lied, portsOf(world, ['L1']))).deep.include({ ok: false });
    const miscounted = { ...round, seal: { ...round.seal, W: round.seal.W + 1 } };
    const replay = await replayRound(miscounted, portsOf(world, ['L1']));
    expect(replay).deep.include({ ok: false, isSumRight: false });
  });

  it('opens with the keys that a member disclosed, and with no others', async () => {
    const log = await logOf(world, 'L1');
    const round = await loggedRound(log, 2);
    const own = portsOf(world, ['L3']);
    const { keys, withoutKey } = await discloseRound(round, own.keyOf, world.node('L3').store);
    expect(withoutKey).deep.equal([]);
    const bytes = encodeRoundKeys(keys);
    const expected = { cid: round.consortium.cid, round: 2 };
    const keyOf = disclosedKeys(decodeRoundKeys(bytes, expected));
    expect(await replayRound(round, { ...portsOf(world, ['L1']), keyOf })).deep.include({
      ok: true,
    });

    const ofAnother = await failure(
      Promise.resolve().then(() => decodeRoundKeys(bytes, { ...expected, round: 3 })),
    );
    expect(ofAnother.message).contain('of round 2, not 3');
    const stranger = { ...expected, cid: round.seal.agg };
    expect(
      (await failure(Promise.resolve().then(() => decodeRoundKeys(bytes, stranger)))).code,
    ).equal('bad_keys');
    const noKeys = new Uint8Array([123, 125]);
    expect(
      (await failure(Promise.resolve().then(() => decodeRoundKeys(noKeys, expected)))).message,
    ).contain('annulus audit disclose');

    const without = new Map([...keys.keys].filter(([id]) => id !== 'L4'));
    const fewer = { ...portsOf(world, ['L1']), keyOf: disclosedKeys({ ...keys, keys: without }) };
    expect(await failure(replayRound(round, fewer))).deep.include({
      ...{ code: 'wrong_key', member: 'L4' },
    });
    const swapped = new Map([...keys.keys, ['L4', keys.keys.get('L1' as never)!]] as never);
    const wrong = { ...fewer, keyOf: disclosedKeys({ ...keys, keys: swapped as never }) };
    expect((await failure(replayRound(round, wrong))).message).contain('does not open it');
  });

  it('has no keys of other rounds in the file of one', async () => {
    const log = await logOf(world, 'L1');
    const own = portsOf(world, ['L3']);
    const { keys } = await discloseRound(
      await loggedRound(log, 2),
      own.keyOf,
      world.node('L3').store,
    );
    const other = { ...portsOf(world, ['L1']), keyOf: disclosedKeys(keys) };
    expect((await failure(replayRound(await loggedRound(log, 3), other))).code).equal('wrong_key');
  });

  it('refuses an update of which a bit was changed on the disk, and one that is missing', async () => {
    const round = await loggedRound(await logOf(world, 'L4'), 2);
    const name = `blobs/${round.updates[1]!.upd}`;
    const { files } = world.node('L4').store;
    const kept = files.get(name)!;
    for (const bit of [0, 200, kept.byteLength * 8 - 1]) {
      const bytes = kept.slice();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      files.set(name, bytes);
      const refused = await failure(replayRound(round, portsOf(world, ['L4'])));
      expect(refused.code, `bit ${bit}`).equal('damaged_file');
    }
    files.delete(name);
    const gone = await failure(replayRound(round, portsOf(world, ['L4'])));
    expect(gone).deep.include({ code: 'files_missing', missing: ['the update of L2'] });
    expect(gone.message).contain('peer.updateRoundsKept');
    // Another member's folder has it.
    expect(await replayRound(round, portsOf(world, ['L4', 'L1']))).deep.include({ ok: true });
    files.set(name, kept);
  });

  it('knows which rounds there are', async () => {
    const log = await logOf(world, 'L1');
    const none = await failure(loggedRound(log, 9));
    expect(none.message).equal(
      'round 9: it is not in this log; expected one of the 3 that did, from 1 to 3',
    );
  });

  it('repeats a robust rule to the last bit', async () => {
    const robust = { kind: 'trimmed-mean', trimMicro: 300_000, capMicro: 1_000_000 } as const;
    const trimmed = await trainedWorld({ ...plainRule, robust } as RoundRule, 2);
    const round = await loggedRound(await logOf(trimmed, 'L1'), 2);
    const replay = await replayRound(round, portsOf(trimmed, ['L1']));
    expect(replay).deep.include({ ok: true, rule: 'exact, trimmed-mean' });
    expect(replay.replayed).equal(trimmed.sealedModels('L3')[1]);
  });

  it('repeats a round with momentum from the two models before it', async () => {
    const rule = { ...plainRule, outerRateMicro: 700_000, outerMomentumMicro: 900_000 };
    const heavy = await trainedWorld(rule);
    const round = await loggedRound(await logOf(heavy, 'L1'), 3);
    expect(await replayRound(round, portsOf(heavy, ['L1']))).deep.include({ ok: true });
  });

  it('repeats a round in shards from the folders of all, and says what one folder lacks', async () => {
    const sharded = await trainedWorld({ ...plainRule, kind: 'sharded', reducers: 2 }, 2);
    const round = await loggedRound(await logOf(sharded, 'L1'), 2);
    const replay = await replayRound(round, portsOf(sharded, ids));
    expect(replay).deep.include({ ok: true, rule: 'sharded' });
    expect(replay.replayed).equal(sharded.sealedModels('L2')[1]);
    const refused = await failure(replayRound(round, portsOf(sharded, ['L1'])));
    expect(refused.code).equal('files_missing');
    expect(refused.message).contain('--more');
  });

  it('holds the sealed model of a mixing against the exact mean, and refuses one beyond the bound', async () => {
    const mixed = await trainedWorld(mixing, 2);
    const round = await loggedRound(await logOf(mixed, 'L1'), 2);
    const replay = await replayRound(round, portsOf(mixed, ids));
    expect(replay.ok).equal(true);
    expect(replay.mixed?.apart).lessThan(1e-5);
    expect(replay.mixed?.bound).equal(1e-5);
    // The model of round 1 is a mean change of 0.075 away.
    const first = await loggedRound(await logOf(mixed, 'L1'), 1);
    const lied = { ...round, seal: { ...round.seal, agg: first.seal.agg } };
    const far = await replayRound(lied, portsOf(mixed, ids));
    expect(far.ok).equal(false);
    expect(far.mixed?.apart).closeTo(meanChange, 1e-5);
    const refused = await failure(replayRound(round, portsOf(mixed, ['L1'])));
    expect(refused.code).equal('files_missing');
  });
});
