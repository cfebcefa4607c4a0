import { expect } from 'chai';
import type { Digest, NodeId } from '../../src/base/index.ts';
import {
  emptyView,
  reduce,
  statusOf,
  type LinkLayer,
  type NodeEvent,
  type NodeStatus,
} from '../../src/dashboard/index.ts';
import { heard, ids, life, link, opened, sealed, started, startMs } from './scripted-node.ts';

const L3 = ids[2] as NodeId;
const minute = 60_000;
const allUp = ids.slice(1).map((id) => link(id));
const at = (ms: number): NodeEvent => ({ kind: 'clock', nowMs: startMs + ms });

function after(...events: readonly NodeEvent[]): NodeStatus {
  return statusOf(events.reduce(reduce, emptyView), true);
}

function codes(...events: readonly NodeEvent[]): string[] {
  return after(...events).messages.map(({ code }) => code);
}

const unreachable = (layer: LinkLayer | null): NodeEvent =>
  link(L3, { state: 'unreachable', layer, sinceMs: startMs });

describe('messages', () => {
  it('are none of a healthy node, starting, in a round and between two', () => {
    const losses = Object.fromEntries(ids.map((id) => [id, 0.5]));
    const cosigned: NodeEvent = {
      kind: 'log-head',
      size: 9,
      root: '',
      height: 3,
      cosigners: ids,
      quorum: 6,
    };
    expect(codes(started(), at(1_000))).deep.equal([]);
    expect(codes(started(), ...allUp, opened(1, 'student'), at(9 * minute))).deep.equal([]);
    expect(
      codes(started(), ...allUp, sealed(1, 'student', losses), cosigned, at(9 * minute)),
    ).deep.equal([]);
  });

  it('name the layer that failed, and another remedy for each', () => {
    const layers: readonly LinkLayer[] = ['name', 'tcp', 'noise', 'membership', 'version', 'hello'];
    const remedies = layers.map((layer) => {
      const [message] = after(started(), ...allUp, unreachable(layer), at(2 * minute)).messages;
      expect(message, layer).include({ code: 'unreachable-L3', level: 'warning', atMs: startMs });
      return message!.remedy;
    });
    expect(new Set(remedies).size).equal(layers.length);
    expect(remedies[0]).contain('DNS');
    expect(remedies[1]).contain('firewalls');
    expect(remedies[2]).contain('key');
    expect(remedies[3]).contain('manifest');
    expect(remedies[4]).contain('versions');
  });

  it('wait a minute before they complain of a member, and end when it is back', () => {
    expect(codes(started(), ...allUp, unreachable('tcp'), at(minute - 1))).deep.equal([]);
    expect(codes(started(), ...allUp, unreachable('tcp'), at(minute))).deep.equal([
      'unreachable-L3',
    ]);
    expect(codes(started(), ...allUp, unreachable('tcp'), link(L3), at(minute))).deep.equal([]);
  });

  it('say that nothing can be agreed, below a quorum alone', () => {
    const away = (count: number): NodeEvent[] =>
      ids
        .slice(1, 1 + count)
        .map((id) => link(id, { state: 'unreachable', layer: 'tcp', sinceMs: startMs }));
    // Eight members, of whom six must agree: two may be away.
    expect(codes(started(), ...allUp, ...away(2), at(2 * minute))).not.include('no-quorum');
    expect(codes(started(), ...allUp, ...away(3), at(2 * minute))).include('no-quorum');
    // It stops everybody, so it is said sooner than of one member.
    expect(codes(started(), ...allUp, ...away(3), at(14_999))).deep.equal([]);
    expect(codes(started(), ...allUp, ...away(3), at(15_000))).deep.equal(['no-quorum']);
  });

  it('say since when nothing is decided, who is away, how many must be here and what to do in the end', () => {
    const away = ids
      .slice(1, 4)
      .map((id) => link(id, { state: 'unreachable', layer: 'tcp', sinceMs: startMs }));
    const round = opened(1, 'student');
    const told = (...events: readonly NodeEvent[]): string => {
      const { messages } = after(started(), ...allUp, ...away, ...events);
      const { text, remedy } = messages.find(({ code }) => code === 'no-quorum')!;
      return `${text}; ${remedy ?? ''}`;
    };
    expect(told(at(2 * minute)))
      // Heard of last two seconds after the start.
      .contain('no decision yet: 3 of 8 members are away (L2 not heard of for 1 min 58 s, L3 not')
      .contain('5 are here with this node')
      .contain('and 6 must be')
      .contain('have their nodes started')
      .contain('if they never come back: annulus consortium draft --restart');
    const openedMs = 'atMs' in round ? round.atMs : 0;
    const later = openedMs - startMs + 2 * 60 * minute;
    expect(told(round, at(later))).contain('no decision for 2 h');
  });

  it('tell of a restart that waits or is not taken, until the members have changed, and of two histories', () => {
    const waits: NodeEvent = { kind: 'restart', version: 2, height: 9, refusal: null };
    const refusal = { reason: 'more is decided here', advice: 'draft it again' };
    const changed: NodeEvent = {
      ...{ kind: 'membership', version: 2, height: 10, atMs: startMs, members: ids },
      ...{ joined: [], left: [], renewed: [], rerooted: [] },
    };
    const [waiting] = after(started(), ...allUp, waits).messages;
    expect(waiting).include({ code: 'restart', level: 'info' });
    expect(waiting!.text).contain('version 2').contain('after height 9, waits');
    const [refused] = after(started(), ...allUp, waits, { ...waits, refusal }).messages;
    expect(refused).include({ level: 'warning', remedy: 'draft it again' });
    expect(refused!.text).contain('is not taken: more is decided here');
    expect(codes(started(), ...allUp, waits, changed)).deep.equal([]);
    const [fork] = after(started(), ...allUp, { kind: 'fork', member: L3 }).messages;
    expect(fork).include({ code: 'fork-L3', level: 'warning' });
    expect(fork!.text).contain('L3 has another history than this node');
  });

  it('tell of a member that missed three rounds, not of one that missed two', () => {
    const losses = Object.fromEntries(ids.filter((id) => id !== L3).map((id) => [id, 0.5]));
    const missed = (count: number): NodeEvent[] =>
      Array.from({ length: count }, (_, index) => sealed(index + 1, 'student', losses, [L3]));
    expect(codes(started(), ...allUp, ...missed(2))).deep.equal([]);
    expect(codes(started(), ...allUp, ...missed(3))).deep.equal(['missed-L3']);
  });

  it('tell of a round past its deadline and whose update it lacks', () => {
    const late: NodeEvent[] = [
      ...[started(), ...allUp, opened(1, 'student', ids.slice(0, 3))],
      { kind: 'deadline', round: 1, atMs: startMs },
      ...ids.slice(0, 2).map((member) => ({ kind: 'update-held', round: 1, member }) as const),
    ];
    expect(codes(...late, at(minute - 1))).deep.equal([]);
    expect(after(...late, at(minute)).messages[0]?.text).equal(
      'round 1 should have ended; no update yet of L3',
    );
  });

  it('tell of a round without a model until one has it', () => {
    const end: NodeEvent = {
      kind: 'void',
      round: 1,
      reason: 'rejected_model',
      height: 2,
      atMs: startMs,
    };
    expect(codes(started(), ...allUp, opened(1, 'student'), end)).deep.equal(['round-void']);
    expect(codes(started(), ...allUp, end, sealed(2, 'student', { L1: 1 }))).deep.equal([]);
  });

  it('tell of a key without a vote, a full disk and a head without cosignatures', () => {
    expect(codes(started(), { kind: 'suspended', member: L3, height: 4 })).deep.equal([
      'suspended-L3',
    ]);
    const disk = (freeBytes: number): NodeEvent => ({ kind: 'disk', freeBytes, usedBytes: 1 });
    expect(codes(started(), disk(2 ** 31 - 1))).deep.equal(['disk-low']);
    expect(codes(started(), disk(2 ** 31))).deep.equal([]);
    const head: NodeEvent = {
      kind: 'log-head',
      size: 9,
      root: '',
      height: 3,
      cosigners: ids.slice(0, 5),
      quorum: 6,
    };
    expect(codes(started(), head)).deep.equal(['log-not-cosigned']);
  });

  it('are what the node says, the gravest first, until it says that it is over', () => {
    const notice = (code: string, level: 'info' | 'warning' | 'error'): NodeEvent => ({
      ...{ kind: 'notice', code, level, text: code, remedy: null, atMs: startMs },
    });
    const said = [started(), notice('a', 'info'), notice('b', 'error'), notice('c', 'warning')];
    expect(codes(...said)).deep.equal(['b', 'c', 'a']);
    expect(codes(...said, { kind: 'notice-over', code: 'b' })).deep.equal(['c', 'a']);
  });

  it("let the node's own word stand for the one that follows from its facts", () => {
    const own: NodeEvent = {
      kind: 'notice',
      code: 'disk-low',
      level: 'error',
      text: 'stopped: disk full',
      remedy: 'make room',
      atMs: startMs,
    };
    const { messages } = after(started(), { kind: 'disk', freeBytes: 0, usedBytes: 1 }, own);
    expect(messages.map(({ text }) => text)).deep.equal(['stopped: disk full']);
  });

  it('say whose program, clock and version of the manifest are others', () => {
    const [L2, L4] = [ids[1]!, ids[3]!];
    const inForce: NodeEvent = { kind: 'manifest', version: 3 };
    const said = (...events: NodeEvent[]): string[] => {
      const { messages } = after(started(), inForce, ...allUp, ...events);
      for (const { code, remedy } of messages) expect(remedy, code).not.equal(null);
      return messages.map(({ text }) => text);
    };
    const same = [L2, L3, L4].map((id) => heard(id));
    expect(said(...same, at(9 * minute))).deep.equal([]);
    const other = 'cd'.repeat(32) as Digest;
    expect(said(...same, heard(L3, { code: other }))).deep.equal([
      'L3 runs another program than this node (this one has abababababab, L3 has cdcdcdcdcdcd): rounds of another program are not joined',
    ]);
    const alone = [L2, L3, L4].map((id) => heard(id, { code: other }));
    expect(said(...alone)[0]).contain('this node runs another program than L2, L3, L4');
    // Allowed are 5 minutes, and half of them are no message yet. L3 is ahead: this clock is behind L3's.
    expect(said(...same, heard(L3, { aheadMs: -150_000 }))).deep.equal([]);
    expect(said(...same, heard(L3, { aheadMs: -240_000 }))).deep.equal([
      "L3's clock is 4 min 0 s ahead of the members': blocks that are 5 min 0 s off are refused",
    ]);
    const late = [L2, L3, L4].map((id) => heard(id, { aheadMs: -360_000 }));
    expect(said(...late)).deep.equal([
      "this node's clock is 6 min 0 s behind the members': blocks that are 5 min 0 s off are refused",
    ]);
    // A version goes round for a while.
    const old = heard(L3, { version: 2 });
    expect(said(at(0), old, at(minute - 1))).deep.equal([]);
    expect(said(at(0), old, at(minute))).deep.equal([
      'L3 has version 2 of the manifest, this node 3',
    ]);
    // Of who is away nothing is known any more.
    expect(said(...alone, ...[L2, L3, L4].map((id) => link(id, { state: 'dialing' })))).deep.equal(
      [],
    );
  });

  it('say that the own key has no vote any more', () => {
    expect(codes(started(), ...allUp, { kind: 'retired' })).deep.equal(['retired']);
  });

  it('have a remedy each', () => {
    for (const { code, remedy } of after(...life()).messages) expect(remedy, code).a('string');
  });
});

describe('health', () => {
  it('is that of this process: others that are away do not make it ill', () => {
    expect(after().health).deep.equal({
      isHealthy: false,
      reasons: ['the node is still starting'],
    });
    expect(after(started(), at(9 * minute)).health.isHealthy).equal(true);
    const error: NodeEvent = {
      kind: 'notice',
      code: 'e',
      level: 'error',
      text: 'the disk is read-only',
      remedy: null,
      atMs: 0,
    };
    expect(after(started(), error).health).deep.equal({
      isHealthy: false,
      reasons: ['the disk is read-only'],
    });
  });
});
