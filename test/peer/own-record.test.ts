/** What peers write down of themselves, and what of it stands in the log of all. */
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import {
  examineLog,
  nodeLogClaim,
  nodeLogPrefix,
  ownEntries,
  Report,
  verifyNodeLogs,
  type NodeEntry,
} from '../../src/audit/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { decodeUpdateStatement, type NodeLogHead } from '../../src/wire/index.ts';
import { directoryOf } from '../audit/sample-log.ts';
import { logOf } from '../auditor/replayed-world.ts';
import { plainRule } from '../wire/sample-stage.ts';
import { changingWorld, logFilesOf, memberOf } from './changing-world.ts';
import { PeerNetwork } from './peer-network.ts';

const ids = ['L1', 'L2', 'L3', 'L4'] as NodeId[];

function worldOf(rounds: number): PeerNetwork {
  const stages = [{ id: 'student', participants: ids, rounds, rule: plainRule }];
  return new PeerNetwork({ members: 4, stages, minParticipants: 4, faults: { latencyMsMax: 50 } });
}

function ownFiles(world: PeerNetwork, id: string): Map<string, Uint8Array> {
  const files = [...world.node(id).store.files].filter(([name]) => name.startsWith(nodeLogPrefix));
  return new Map(files.map(([name, bytes]) => [name.slice(nodeLogPrefix.length), bytes]));
}

/** The events of a node, its anchors, and what an auditor finds. */
async function examined(
  world: PeerNetwork,
  id: NodeId,
): Promise<{ events: NodeEntry[]; anchors: readonly NodeLogHead[]; report: Report }> {
  const claim = await nodeLogClaim(await logOf(world, id), id);
  const report = new Report();
  const directory = directoryOf(ownFiles(world, id));
  await verifyNodeLogs(directory, claim, report);
  const events: NodeEntry[] = [];
  for await (const { entry } of ownEntries(directory, claim, new Report())) events.push(entry!);
  return { events, anchors: claim.anchors, report };
}

describe("peers' own logs", () => {
  it('hold what each did, and stand in every update that the log of all holds', async () => {
    const world = worldOf(2);
    await world.start();
    expect(await world.runUntilDone()).equal(true);
    for (const id of ids) {
      const { events, anchors, report } = await examined(world, id);
      expect(report.findings, id).deep.equal([]);
      expect(events.map((one) => `${one.event} ${'round' in one ? one.round : ''}`)).deep.equal([
        'node-started ',
        ...[
          'training-started 1',
          'training-finished 1',
          'training-started 2',
          'training-finished 2',
        ],
      ]);
      expect(anchors.map(({ log, size }) => [log, size])).deep.equal([
        ...[
          [1, 3],
          [1, 5],
        ],
      ]);
    }
  });

  it('never contradict an update that was signed, also where the power went before it was sent', async () => {
    const world = worldOf(1);
    await world.start();
    const { store } = world.node('L2');
    const write = store.write.bind(store);
    let isSigned = false;
    store.write = (name, bytes) => {
      if (name !== 'own/1.env') return write(name, bytes);
      isSigned = true;
      return new Promise(() => undefined);
    };
    await world.clock.runUntil(() => isSigned);
    await world.crash('L2');
    store.write = write;
    await world.restart('L2');
    expect(await world.runUntilDone()).equal(true);
    const { events, anchors, report } = await examined(world, 'L2' as NodeId);
    expect(report.findings).deep.equal([]);
    expect(events.filter(({ event }) => event === 'training-finished')).length(2);
    // The first envelope lies on the disk, in no block.
    const signed = [...store.files].flatMap(([name, bytes]) => {
      try {
        const { author, nodeLog } = decodeUpdateStatement(bytes).statement;
        return name.startsWith('blobs/') && author === 'L2' ? [nodeLog!] : [];
      } catch {
        return [];
      }
    });
    expect(signed.map(({ size }) => size).sort()).deep.equal([3, anchors[0]!.size]);
    const claim = await nodeLogClaim(await logOf(world, 'L2'), 'L2' as NodeId);
    const both = { ...claim, anchors: signed.map((head) => ({ round: 1, ...head })) };
    await verifyNodeLogs(directoryOf(ownFiles(world, 'L2')), both, report);
    expect(report.findings).deep.equal([]);
  });

  it('go on under new keys, whose SHA-256 they hold', async () => {
    const id = 'L2' as NodeId;
    const { world } = changingWorld([{ kind: 'renew', node: id, atMs: 0 }], 4);
    world.start();
    expect(await world.run(600_000)).equal('done');
    const claim = await nodeLogClaim(await examineLog(directoryOf(logFilesOf(world, id))), id);
    const files = [...world.node(id).disk.files].filter(([name]) => name.startsWith(nodeLogPrefix));
    const own = new Map(files.map(([name, bytes]) => [name.slice(nodeLogPrefix.length), bytes]));
    const report = new Report();
    const { anchors } = await verifyNodeLogs(directoryOf(own), claim, report);
    expect(report.findings).deep.equal([]);
    expect(anchors).greaterThan(2);
    const keys: string[] = [];
    for await (const { entry } of ownEntries(directoryOf(own), claim, report)) {
      if (entry?.event === 'node-started') keys.push(entry.keys.log);
    }
    const expected = [0, 1].map((node) => memberOf(id, { node, org: 0 }).keys.log.publicKey);
    expect([...new Set(keys)]).deep.equal(expected.map((key) => digestOf(key)));
  });

  it('go on as another log, which says so, where a disk came back older', async () => {
    const world = worldOf(3);
    await world.start();
    await world.clock.runUntil(() => world.sealedModels('L3').length === 1);
    const backup = ownFiles(world, 'L3');
    await world.clock.runUntil(() => world.sealedModels('L3').length === 2);
    await world.crash('L3');
    const { store, log } = world.node('L3');
    for (const name of [...store.files.keys()]) {
      if (name.startsWith(nodeLogPrefix)) store.files.delete(name);
    }
    for (const [name, bytes] of backup) store.files.set(nodeLogPrefix + name, bytes);
    await world.restart('L3');
    expect(await world.runUntilDone()).equal(true);
    expect(log.filter((line) => line.includes('another one is begun'))).length(1);
    const { anchors, report, events } = await examined(world, 'L3' as NodeId);
    expect(anchors.map((one) => one.log)).deep.equal([1, 1, 2]);
    expect(report.findings).deep.equal([]);
    expect(report.notes.join()).match(
      /node-log\/1: cut off: the update of round 2 .* log 2 says so/,
    );
    const begun = events.find(({ event }) => event === 'log-begun');
    expect(begun).deep.include({ reason: 'behind' });
  });
});
