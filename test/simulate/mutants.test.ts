/** Programs and disks that are broken on purpose: each must be found out, or the invariants look at nothing. */
import { expect } from 'chai';
import type { NodeId, Store } from '../../src/base/index.ts';
import {
  memberNames,
  simulateConsortium,
  virtualPlan,
  type Fault,
  type SimulationOptions,
  type SimulationRecord,
  type VirtualWorld,
} from '../../src/simulate/index.ts';

const members = memberNames(4);
/** L2 loses its power twice in the first round. */
const kills: readonly Fault[] = [
  { kind: 'kill', node: 'L2' as NodeId, atMs: 600, forMs: 300 },
  { kind: 'kill', node: 'L2' as NodeId, atMs: 2_000, forMs: 300 },
];

function run(changes: Partial<SimulationOptions>): Promise<SimulationRecord> {
  const plan = virtualPlan({ participants: members, rounds: 2 });
  return simulateConsortium({
    seed: 1,
    members,
    plan,
    faults: kills,
    untilMs: 600_000,
    ...changes,
  });
}

type Calls = Pick<Store, 'append' | 'read' | 'write'>;

/** The disk of L2 as its program uses it, changed. */
function brokenStore(change: (sound: Calls) => Partial<Calls>): Partial<SimulationOptions> {
  const bendStore = (id: NodeId, store: Store): Store => {
    const sound: Calls = {
      append: store.append.bind(store),
      read: store.read.bind(store),
      write: store.write.bind(store),
    };
    return id === 'L2' ? Object.assign(store, change(sound)) : store;
  };
  return { parts: { bendStore } };
}

describe('invariants', () => {
  it('hold where nothing is broken, though power goes and disks are slow', async () => {
    const { outcome, violation } = await run({ disk: { writeMs: 5 } });
    expect([outcome, violation]).to.deep.equal(['done', null]);
  });

  it('see a vote that leaves before it is in the write-ahead log', async () => {
    const { violation } = await run(
      brokenStore((sound) => ({
        append: (name, bytes) =>
          name.startsWith('wal/') ? Promise.resolve() : sound.append(name, bytes),
      })),
    );
    expect(violation).to.include({ invariant: 'written-first', node: 'L2' });
  });

  it('see a disk that says too early that a vote is on it', async () => {
    const { violation } = await run({ disk: { writeMs: 5, lies: true } });
    expect(violation!.invariant).to.equal('written-first');
  });

  it('see a decision that is gone after a power cut', async () => {
    const { violation } = await run(
      brokenStore((sound) => ({
        write: (name, bytes) =>
          name.startsWith('log/decisions/') ? Promise.resolve() : sound.write(name, bytes),
      })),
    );
    expect(violation).to.include({ invariant: 'durable', node: 'L2' });
  });

  it('hold though a member forgets its votes when its power goes: it hears of them and votes no more', async () => {
    const forgets = brokenStore((sound) => ({
      read: (name) => (name.startsWith('wal/') ? Promise.resolve(null) : sound.read(name)),
    }));
    let retiredCount = 0;
    // Somewhere here the first block is voted for.
    for (let atMs = 50; atMs <= 150; atMs += 10) {
      const worlds: VirtualWorld[] = [];
      const { outcome, violation } = await run({
        ...forgets,
        faults: [{ kind: 'kill', node: 'L2' as NodeId, atMs, forMs: 100 }],
        prepare: (made) => void worlds.push(made),
      });
      expect([outcome, violation], `at ${atMs}`).to.deep.equal(['done', null]);
      retiredCount += Number(worlds[0]!.node('L2' as NodeId).disk.files.has('retired.json'));
    }
    expect(retiredCount).to.be.greaterThan(0);
  });
});
