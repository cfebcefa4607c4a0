import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { renderVerdict, verifyLogDirectory } from '../../src/audit/index.ts';
import { readUpdate } from '../../src/gossip/index.ts';
import type { PeerEvent } from '../../src/peer/index.ts';
import type { MembershipChange } from '../../src/simulate/index.ts';
import { openUpdateKey, type Open, type SignedManifest } from '../../src/wire/index.ts';
import { directoryOf } from '../audit/sample-log.ts';
import { changingWorld, logFilesOf, memberOf, type ChangingWorld } from './changing-world.ts';

const [l1, l2, l3, l4, l5] = ['L1', 'L2', 'L3', 'L4', 'L5'] as NodeId[] as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];

/** One after the other, each when the one before it is in force. */
const changes: readonly MembershipChange[] = [
  { kind: 'join', node: l5, atMs: 0 },
  { kind: 'renew', node: l2, atMs: 0 },
  { kind: 'revoke', node: l1, atMs: 0 },
  { kind: 'reroot', node: l3, atMs: 0 },
  { kind: 'renew', node: l5, atMs: 0 },
];

const membersAt = (versions: readonly SignedManifest[]): string[] =>
  versions.map(({ manifest }) => manifest.members.map(({ id }) => id).join(' '));

describe('a consortium whose members change', () => {
  let run: ChangingWorld;
  let outcome: string;

  before(async () => {
    run = changingWorld(changes, 10);
    run.world.start();
    outcome = await run.world.run(600_000);
  });

  it('carries its plan out while one joins, one leaves, and others get new keys', () => {
    expect([outcome, run.world.invariants.violation]).to.deep.equal(['done', null]);
    expect(membersAt(run.world.invariants.versions)).to.deep.equal([
      'L1 L2 L3 L4',
      'L1 L2 L3 L4 L5',
      'L1 L2 L3 L4 L5',
      'L2 L3 L4 L5',
      'L2 L3 L4 L5',
      'L2 L3 L4 L5',
    ]);
    const rounds = (id: NodeId): number =>
      run.events.get(id)!.filter(({ kind }) => kind === 'sealed').length;
    expect([l2, l3, l4].map(rounds)).to.deep.equal([10, 10, 10]);
  });

  it('tells the one that leaves, whose peer stops there', () => {
    const told = run.events.get(l1)!;
    const last = told.at(-1)!;
    expect(last).to.include({ kind: 'left', version: 3 });
    expect(run.world.node(l1).peer!.state.height).to.equal('height' in last ? last.height : -1);
  });

  it('has logs that an auditor follows through all versions, those of the newcomer and of the one that left too', async () => {
    for (const id of [l1, l2, l3, l4, l5]) {
      const verdict = await verifyLogDirectory(directoryOf(logFilesOf(run.world, id)));
      expect(verdict.findings, `${id}\n${renderVerdict(verdict)}`).to.deep.equal([]);
      expect(verdict.keptBy).to.equal(id);
    }
  });

  it('seals no update to who is not a member yet, or not any more', async () => {
    const { world } = run;
    const { log } = world.node(l4).peer!;
    let opened: Open | undefined;
    const readers = new Map<number, string[]>();
    for (let height = 1; height <= log.head.height; height++) {
      const { body } = (await log.decision(height))!;
      const cut = body.ops.find((op) => op.op === 'CUT');
      if (cut === undefined) {
        opened = body.ops.find((op) => op.op === 'OPEN') ?? opened;
        continue;
      }
      const first = body.log.size - 1 - cut.updates.length;
      const [envelope] = await log.entries(first, body.log.size - 1);
      const consortium = log.versions[body.e]!;
      const { statement } = readUpdate(consortium, opened!, envelope!);
      const can: string[] = [];
      for (const id of [l1, l2, l3, l4, l5]) {
        for (const node of [0, 1]) {
          const { privateKey } = memberOf(id, { node, org: 0 }).keys.seal;
          const isSealed = statement.sealedKeys[id] !== undefined;
          const key = isSealed ? await openUpdateKey(statement, id, privateKey) : null;
          if (key !== null) can.push(`${id}/${node}`);
        }
      }
      readers.set(body.e, can);
    }
    const founders = ['L1/0', 'L2/0', 'L3/0', 'L4/0'];
    const expected = [
      founders,
      [...founders, 'L5/0'],
      ['L1/0', 'L2/1', 'L3/0', 'L4/0', 'L5/0'],
      ['L2/1', 'L3/0', 'L4/0', 'L5/0'],
      ['L2/1', 'L3/0', 'L4/0', 'L5/0'],
      ['L2/1', 'L3/0', 'L4/0', 'L5/1'],
    ];
    // Two changes may come with no round between them.
    for (const [epoch, can] of readers)
      expect(can, `epoch ${epoch}`).to.deep.equal(expected[epoch]);
    expect([...readers.keys()]).to.include.members([0, 5]);
  });
});

describe('a member that was away', () => {
  it('follows through three changes of the members when it comes back', async () => {
    const away = { kind: 'kill', node: l4, atMs: 1_000, forMs: 20_000 } as const;
    const { world, events } = changingWorld(changes.slice(0, 3), 9, [away]);
    world.start();
    expect([await world.run(600_000), world.invariants.violation]).to.deep.equal(['done', null]);
    const versions = (told: readonly PeerEvent[]): number[] =>
      told.flatMap((event) => (event.kind === 'membership' ? [event.version] : []));
    expect(versions(events.get(l4)!)).to.deep.equal([1, 2, 3]);
  });
});
