/** Worlds made wrong on purpose: each breaks the invariant that is there for it, and the sound world beside it none. */
import { expect } from 'chai';
import { base64, type NodeId, type Store } from '../../src/base/index.ts';
import { decodeMessage, encodeMessage, type Vote } from '../../src/consensus/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  countedCrypto,
  memberNames,
  simulateConsortium,
  virtualPlan,
  type SimulationOptions,
  type SimulationRecord,
  type VirtualWorld,
} from '../../src/simulate/index.ts';
import type { Transport } from '../../src/wire/index.ts';

const members = memberNames(4);
const [l1, l2, , l4] = members as [NodeId, NodeId, NodeId, NodeId];
const seed = 5;

function run(changes: Partial<SimulationOptions>): Promise<SimulationRecord> {
  return simulateConsortium({
    ...{ seed, members, disk: { writeMs: 5 }, untilMs: 600_000 },
    plan: virtualPlan({ participants: members, rounds: 2 }),
    ...changes,
  });
}

const brokenBy = async (changes: Partial<SimulationOptions>): Promise<string | undefined> =>
  (await run(changes)).violation?.invariant;

/** A store that says at once that it has done what it has only begun, for names of this form. */
function hasty(store: Store, form: RegExp): Store {
  const soon = (name: string, work: Promise<void>): Promise<void> => {
    if (!form.test(name)) return work;
    work.catch(() => undefined);
    return Promise.resolve();
  };
  const [write, append] = [store.write.bind(store), store.append.bind(store)];
  store.write = (name, bytes) => soon(name, write(name, bytes));
  store.append = (name, bytes) => soon(name, append(name, bytes));
  return store;
}

/** L4 sends with each of its votes one of L2 for another value, under a signature that is none. */
function forging(transport: Transport): Transport {
  if (transport.self !== l4) return transport;
  const broadcast = transport.broadcast.bind(transport);
  transport.broadcast = (topic, bytes) => {
    broadcast(topic, bytes);
    if (topic !== 'consensus') return;
    const message = decodeMessage(bytes);
    if (message.t !== 'NOTARIZE') return;
    const sig = base64(new Uint8Array(64));
    const forged: Vote = { ...message, i: members.indexOf(l2), x: digestOf(bytes), sig };
    broadcast('consensus', encodeMessage(forged));
  };
  return transport;
}

describe('a world made wrong', () => {
  it('ends well as long as it is not', async () => {
    const record = await run({});
    expect([record.outcome, record.violation]).to.deep.equal(['done', null]);
  });

  it('shows votes that leave before they are on the disk', async () => {
    const bendStore = (_: NodeId, store: Store): Store => hasty(store, /^wal\//);
    expect(await brokenBy({ parts: { bendStore } })).to.equal('written-first');
    expect(await brokenBy({ disk: { writeMs: 5, lies: true } }), 'a disk that lies').to.equal(
      'written-first',
    );
  });

  it('shows decisions that a crash takes back', async () => {
    const bendStore = (_: NodeId, store: Store): Store => hasty(store, /^(log|witness)\//);
    let world: VirtualWorld | undefined;
    // The power of L1 goes a moment after it says that something was decided.
    const changes: Partial<SimulationOptions> = {
      prepare: (made) => {
        world = made;
      },
      onEvent: (id, { kind }) => {
        if (id !== l1 || !['opened', 'cut', 'sealed'].includes(kind)) return;
        world?.clock.setTimer(1, () => world?.kill(l1));
        world?.clock.setTimer(500, () => world?.restart(l1));
      },
    };
    expect(await brokenBy({ ...changes, parts: { bendStore } })).to.equal('durable');
    expect(await brokenBy(changes)).to.equal(undefined);
  });

  it('ends well though a member forgets its votes when its power goes: it hears of them and votes no more', async () => {
    const bendStore = (id: NodeId, store: Store): Store => {
      const read = store.read.bind(store);
      if (id === l2)
        store.read = (name) => (name.startsWith('wal/') ? Promise.resolve(null) : read(name));
      return store;
    };
    let retiredCount = 0;
    // Somewhere here the first block is voted for.
    for (let atMs = 50; atMs <= 150; atMs += 10) {
      let world: VirtualWorld | undefined;
      const { outcome, violation } = await run({
        faults: [{ kind: 'kill', node: l2, atMs, forMs: 100 }],
        prepare: (made) => {
          world = made;
        },
        parts: { bendStore },
      });
      expect([outcome, violation], `at ${atMs}`).to.deep.equal(['done', null]);
      if (world?.node(l2).disk.files.has('retired.json') === true) retiredCount += 1;
    }
    expect(retiredCount).to.be.greaterThan(0);
  });

  it('shows forged votes to peers that believe everything, and refuses them otherwise', async () => {
    expect(await brokenBy({ parts: { bend: forging, liars: [l4] } })).to.equal(undefined);
    const counted = countedCrypto(seed);
    const crypto = { ...counted, verify: () => true, sealing: counted.sealing };
    for (const id of members) for (const role of roles) counted.signer(`${id}/${role}`);
    for (const id of members) counted.sealKey(id);
    const gullible = { ...crypto, verifyBytes: counted.verifyBytes };
    const broken = await brokenBy({ parts: { bend: forging, liars: [l4], crypto: gullible } });
    expect(broken).to.equal('honest-pair');
  });
});

const roles = ['org', 'consensus', 'log', 'witness', 'transport'];
