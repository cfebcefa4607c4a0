/** What a stranger types to have a round repeated: a member's home, a copy for the auditor, and what is refused. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { base64, type NodeId } from '../../src/base/index.ts';
import { stageStart } from '../../src/hospital/index.ts';
import { createHome } from '../../src/node/index.ts';
import { sealNodeKeys } from '../../src/node/node-keys.ts';
import { layoutOf, readModel, writeModel } from '../../src/weights/index.ts';
import { encodeCanonical, memberOf, type RoundRule } from '../../src/wire/index.ts';
import { tinySpec } from '../distill/training-cases.ts';
import { PeerNetwork } from '../peer/peer-network.ts';
import { plainRule } from '../wire/sample-stage.ts';
import { runTyped, type Told } from './typed.ts';

const ids = ['L1', 'L2', 'L3'] as const;
const audit = (...args: readonly string[]): Promise<Told> => runTyped(['audit', ...args]);

/** Three members, a real U-Net with a few thousand parameters, two rounds. Each member moves every parameter by its own step. */
async function tinyWorld(rule: RoundRule): Promise<PeerNetwork> {
  const stage = { id: 'student', participants: [...ids] as never, rounds: 2, model: tinySpec };
  const network = new PeerNetwork({
    members: ids.length,
    stages: [{ ...stage, rule } as never],
    minParticipants: ids.length,
  });
  const { plan } = network.consortium.manifest;
  for (const [at, id] of ids.entries()) {
    const { store, trainer } = network.node(id);
    const step = [0.5, 0.25, -0.125][at] ?? 0;
    Object.assign(trainer, {
      initialModel: async (_stage: unknown, into: string) => {
        const weights = await stageStart(plan, plan.stages[0]!, store);
        return { ...(await writeModel(store, into, weights)), layout: layoutOf(weights) };
      },
      train: async ({ start, into }: { readonly start: string; readonly into: string }) => {
        const layout = layoutOf(await stageStart(plan, plan.stages[0]!, store));
        const base = await readModel(store, start, layout);
        const moved = base.map((one) => ({ ...one, data: one.data.map((value) => value + step) }));
        await writeModel(store, into, moved);
        const dataset = network.consortium.cid;
        return { samples: 10 * (at + 1), heads: {}, metricsMilli: { loss: 1500 }, dataset };
      },
    });
  }
  await network.start();
  if (!(await network.runUntilDone())) throw new Error('the world did not end');
  return network;
}

/** The home of a member, with its keys and all that it stored. */
async function writeHome(network: PeerNetwork, id: string, folder: string): Promise<void> {
  const { member, store } = network.node(id);
  const { keys } = member;
  await createHome(folder, {
    ...{ id: member.id, orgKey: base64(keys.org.publicKey), addresses: [], labels: [] },
    ...{ passphrase: null, settings: '# none\n', invitation: null, nowMs: 0 },
  });
  const { transport, consensus, log, witness } = keys;
  const seeds = {
    ...{ transport: transport.seed, consensus: consensus.seed, log: log.seed },
    ...{ witness: witness.seed, seal: keys.seal.privateKey, site: keys.site },
  };
  writeFileSync(join(folder, 'keys/node-1.key'), sealNodeKeys(seeds, null));
  const line = memberOf(network.consortium.manifest, member.id)!;
  writeFileSync(join(folder, 'keys/node-1.json'), encodeCanonical(line));
  for (const [name, bytes] of store.files) {
    const path = join(folder, 'node', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

describe('annulus audit replay, disclose and export --round', function () {
  this.timeout(60_000);
  const top = mkdtempSync(join(tmpdir(), 'annulus-replay-'));
  const [home, copy] = [join(top, 'home'), join(top, 'copy')];
  const keys = join(top, 'round-2.keys');
  let world: PeerNetwork;
  const sealed = (round: number): string => world.sealedModels('L1')[round - 1] ?? '';

  before(async () => {
    world = await tinyWorld(plainRule);
    await writeHome(world, 'L1', home);
    cpSync(join(home, 'node'), copy, { recursive: true });
  });

  after(() => {
    rmSync(top, { recursive: true });
  });

  it('repeats a round on a member’s machine, by its home or by --home', async () => {
    const own = await audit('replay', home, '1');
    expect([own.code, own.err]).deep.equal([0, '']);
    expect(own.out)
      .contain(`made again   ${sealed(1)}`)
      .and.contain('updates      L1:10 L2:20 L3:30')
      .and.contain('REPEATED: the same model to the last bit, from 3 updates');
    const told = await audit('replay', copy, '2', '--home', home, '--format', 'json');
    expect(JSON.parse(told.out)).deep.include({ ok: true, round: 2, replayed: sealed(2) });
    expect(existsSync(join(home, 'node/work/replay'))).equal(false);
  });

  it('discloses the keys of one round, with which an auditor repeats it from an exported copy', async () => {
    const told = await audit('disclose', home, '2', '--output', keys);
    expect([told.code, told.err]).deep.equal([0, '']);
    expect(told.out).contain('keys of the 3 updates of round 2, by L1 L2 L3');
    const again = await audit('disclose', home, '2', '--output', keys);
    expect(again.code).equal(2);
    expect(again.err).contain(`--output ${keys}: is there already; choose another name`);

    const folder = join(top, 'for-auditor');
    const exported = await audit('export', home, '--round', '2', '--output', folder);
    expect([exported.code, exported.err]).deep.equal([0, '']);
    const repeated = await audit('replay', folder, '2', '--keys', keys);
    expect([repeated.code, repeated.err]).deep.equal([0, '']);
    expect(repeated.out).contain(`made again   ${sealed(2)}`);
  });

  it('opens no other round with these keys, and says which to ask for', async () => {
    const { code, out, err } = await audit('replay', copy, '1', '--keys', keys);
    expect([code, out]).deep.equal([2, '']);
    expect(err).contain('its keys are of round 2, not 1: ask for "annulus audit disclose … 1"');
    const noKeys = join(top, 'no-keys');
    writeFileSync(noKeys, '{}');
    const nonsense = await audit('replay', copy, '1', '--keys', noKeys);
    expect(nonsense.err).contain('expected a file that "annulus audit disclose" wrote');
  });

  it('refuses both --keys and --home, and neither where no home is', async () => {
    const both = await audit('replay', copy, '2', '--keys', keys, '--home', home);
    expect([both.code, both.err]).deep.equal([
      ...[2, 'annulus: expected --keys or --home, got both\n'],
    ]);
    const neither = await audit('replay', copy, '2');
    expect(neither.code).equal(2);
    expect(neither.err)
      .contain('the updates of round 2 are encrypted for the members: give --keys FILE')
      .and.contain('"annulus audit disclose … 2 --output FILE"')
      .and.contain("on a member's machine --home");
    const undisclosed = await audit('disclose', copy, '2', '--output', join(top, 'never'));
    expect(undisclosed.code).equal(2);
    expect(undisclosed.err).contain('expected --home FOLDER, the home of a member');
  });

  it('refuses the home of somebody who was no member', async () => {
    const stranger = join(top, 'stranger');
    await createHome(stranger, {
      ...{ id: 'X9' as NodeId, orgKey: base64(world.node('L1').member.keys.org.publicKey) },
      ...{ addresses: [], labels: [], passphrase: null, settings: '# none\n' },
      ...{ invitation: null, nowMs: 0 },
    });
    const { code, err } = await audit('replay', copy, '2', '--home', stranger);
    expect(code).equal(2);
    expect(err).contain('expected the home of a member in round 2, got that of X9');
  });

  it('refuses a round that was not sealed, and one that is no number', async () => {
    const none = await audit('replay', copy, '3', '--keys', keys);
    expect(none.code).equal(2);
    expect(none.err).contain(
      'round 3: it is not in this log; expected one of the 2 that did, from 1 to 2',
    );
    const word = await audit('replay', copy, 'last', '--keys', keys);
    expect([word.code, word.err]).deep.equal([
      ...[2, 'annulus: round: expected a whole number from 0, got last\n'],
    ]);
  });

  it('says which updates are not kept any more, and what to set so that they are', async () => {
    const thin = join(top, 'thin');
    cpSync(join(home, 'node'), thin, { recursive: true });
    rmSync(join(thin, 'blobs'), { recursive: true });
    mkdirSync(join(thin, 'blobs'));
    const { code, err } = await audit('replay', thin, '2', '--keys', keys);
    expect(code).equal(2);
    expect(err)
      .contain('lack the update of L1, the update of L2, the update of L3')
      .and.contain('set it higher in node.yaml')
      .and.contain('ask another member for its copy');
    const more = await audit('replay', thin, '2', '--keys', keys, '--more', copy);
    expect([more.code, more.err]).deep.equal([0, '']);
  });

  it('refuses a changed update, and names it', async () => {
    const damaged = join(top, 'damaged');
    cpSync(copy, damaged, { recursive: true });
    const told = await audit('replay', copy, '2', '--keys', keys, '--format', 'json');
    const { updates } = JSON.parse(told.out) as { updates: { digest: string }[] };
    const path = join(damaged, 'blobs', updates[1]?.digest ?? '');
    writeFileSync(
      path,
      readFileSync(path).map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
    );
    const { code, err } = await audit('replay', damaged, '2', '--keys', keys);
    expect(code).equal(2);
    expect(err).contain('its bytes do not have the digest that the log names');
  });

  it('repeats a round whose updates travelled compressed', async () => {
    interface Shown {
      readonly ok: boolean;
      readonly replayed: string;
      readonly updates: readonly { readonly digest: string }[];
    }
    const shown = async (of: string, node: string): Promise<Shown & { bytes: number }> => {
      const { code, out, err } = await audit('replay', of, '2', '--home', of, '--format', 'json');
      expect([code, err], of).deep.equal([0, '']);
      const replay = JSON.parse(out) as Shown;
      const { size } = statSync(join(node, 'blobs', replay.updates[0]?.digest ?? ''));
      return { ...replay, bytes: size };
    };
    const whole = await shown(home, join(home, 'node'));
    // Of 32 bits bf16 leaves 16 and int8 8, besides what encryption and scales add.
    let larger = whole.bytes;
    for (const compression of ['bf16', 'int8'] as const) {
      const pressed = await tinyWorld({ ...plainRule, compression });
      const folder = join(top, compression);
      await writeHome(pressed, 'L2', folder);
      const replay = await shown(folder, join(folder, 'node'));
      expect(replay).deep.include({ ok: true, replayed: pressed.sealedModels('L1')[1] });
      expect(replay.bytes, compression).lessThan(larger);
      larger = replay.bytes;
    }
  });
});
