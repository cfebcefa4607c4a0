import { expect } from 'chai';

import type { NodeId } from '../../../src/base/index.ts';
import {
  checkClock,
  checkCompute,
  checkData,
  checkDisk,
  checkKeys,
  checkManifest,
  checkMemberClocks,
  checkMembers,
  checkPort,
  checkRights,
  checkVersion,
  inOrder,
  worstOf,
  type Finding,
} from '../../../src/node/preflight/index.ts';
import type { ProbeReport } from '../../../src/network/index.ts';
import type { Manifest, Member } from '../../../src/wire/index.ts';

const outcomes = (findings: readonly Finding[]): string[] => findings.map(({ outcome }) => outcome);
const hour = 3_600_000;

describe('preflight: the clock', () => {
  const facts = { nowMs: 100 * hour, past: [], aheadMs: [], skewMsMax: 60_000 };

  it('is right after everything known and near the members', () => {
    expect(checkClock(facts).outcome).to.equal('ok');
    const aheadMs = [-200, 300, 90_000_000];
    // The median of three is 300 ms: one wrong clock elsewhere blames nobody here.
    expect(checkClock({ ...facts, aheadMs }).found).to.contain('0.3 s ahead of');
    expect(checkClock({ ...facts, aheadMs }).outcome).to.equal('ok');
  });

  it('is wrong when it stands before the past, or far from most members', () => {
    const past = [{ what: 'the last block of the log', atMs: 103 * hour }];
    const before = checkClock({ ...facts, past });
    expect(before.outcome).to.equal('fail');
    expect(before.found).to.equal(
      '3.0 hours before the last block of the log, which is in the past',
    );
    expect(before.remedy).to.contain('set the clock');
    expect(checkClock({ ...facts, aheadMs: [61_000] }).outcome).to.equal('fail');
    expect(checkClock({ ...facts, aheadMs: [-40_000] }).outcome).to.equal('warn');
    // Within what is allowed, the past may be ahead.
    const near = [{ what: 'a block', atMs: 100 * hour + 59_000 }];
    expect(checkClock({ ...facts, past: near }).outcome).to.equal('ok');
  });
});

describe("preflight: members' clocks", () => {
  const clocks = (...aheadMs: number[]): string[] =>
    checkMemberClocks(
      aheadMs.map((ms, at) => ({ member: `L${at + 2}` as NodeId, aheadMs: ms })),
      60_000,
    ).map(({ subject, found }) => `${subject}: ${found}`);

  it('are named when they are far from most, this one among them', () => {
    expect(clocks(100, -29_000, 40)).to.deep.equal([]);
    // This clock is four minutes behind L4's, and level with two others.
    expect(clocks(100, 200, -240_000)).to.deep.equal([
      'L4: its clock is 4.0 minutes ahead of those of most members',
    ]);
    // This clock is the wrong one: nobody else's is.
    expect(clocks(240_000, 240_000, 240_000)).to.deep.equal([]);
  });
});

describe('preflight: the disk', () => {
  const facts = {
    folder: '/home/x',
    freeBytes: 2 ** 33,
    syncMs: 2,
    failure: null,
    roundBytes: 2 ** 30,
  };

  it('has room for three rounds and is fast', () => {
    expect(outcomes(checkDisk(facts))).to.deep.equal(['ok', 'ok']);
  });

  it('is short of room, slow, refusing, or cannot be told', () => {
    expect(outcomes(checkDisk({ ...facts, freeBytes: 2 ** 29 }))).to.deep.equal(['fail', 'ok']);
    expect(outcomes(checkDisk({ ...facts, freeBytes: 2 ** 31 }))).to.deep.equal(['warn', 'ok']);
    expect(outcomes(checkDisk({ ...facts, syncMs: 80 }))).to.deep.equal(['ok', 'warn']);
    const failure = { found: 'read-only', remedy: 'mount it writable' };
    const [failed] = checkDisk({ ...facts, failure });
    expect(failed).to.include({ outcome: 'fail', ...failure, found: 'a write failed: read-only' });
    expect(outcomes(checkDisk({ ...facts, freeBytes: null }))).to.deep.equal(['unknown', 'ok']);
  });
});

const own = { id: 'L1', orgKey: 'a', consensusKey: 'b', logKey: 'c' } as unknown as Member;
const manifestWith = (...members: Member[]): Manifest =>
  ({ version: 3, members }) as unknown as Manifest;

describe('preflight: keys, manifest and program', () => {
  it('are those of the consortium', () => {
    expect(checkKeys(own, manifestWith(own)).outcome).to.equal('ok');
    expect(checkManifest(3, []).outcome).to.equal('unknown');
    expect(outcomes(checkVersion('abc', []))).to.deep.equal(['unknown']);
    expect(checkManifest(3, [{ member: 'L2' as NodeId, version: 3 }]).outcome).to.equal('ok');
    expect(outcomes(checkVersion('abc', [{ member: 'L2' as NodeId, code: 'abc' }]))).to.deep.equal([
      'ok',
    ]);
  });

  it('are none yet, foreign, or not a member’s', () => {
    expect(checkKeys(own, null).found).to.contain('joined no consortium');
    expect(checkKeys(own, manifestWith()).found).to.contain('L1 is not in version 3');
    const foreign = checkKeys(own, manifestWith({ ...own, logKey: 'x', consensusKey: 'y' }));
    expect(foreign.outcome).to.equal('fail');
    expect(foreign.found).to.equal('the manifest names other keys for L1: consensus, log');
  });

  it('are older than a member’s, without an alarm: a node follows by itself', () => {
    const finding = checkManifest(3, [
      { member: 'L2' as NodeId, version: 5 },
      { member: 'L3' as NodeId, version: 4 },
    ]);
    expect(finding.outcome).to.equal('warn');
    expect(finding.found).to.equal('L2 has version 5');
  });

  it('are of another program than most, or than one', () => {
    const others = ['x', 'x', 'abc'].map((code, index) => ({
      member: `L${index + 2}` as NodeId,
      code,
    }));
    expect(outcomes(checkVersion('abc', others))).to.deep.equal(['fail']);
    expect(outcomes(checkVersion('abc', others.slice(1)))).to.deep.equal(['warn']);
  });
});

describe('preflight: data', () => {
  const facts = {
    ...{ folder: '/data', failure: null, training: 5, setAside: 0 },
    labelled: { hps: 3, ms: 0, calc: 2 },
  };

  it('holds what the manifest promises', () => {
    expect(outcomes(checkData(facts, ['calc', 'hps']))).to.deep.equal(['ok']);
  });

  it('lacks a promised label, a folder, or any case', () => {
    const missing = checkData(facts, ['calc', 'hps', 'ms']);
    expect(outcomes(missing)).to.deep.equal(['fail']);
    expect(missing[0]?.found).to.contain('labels for ms');
    expect(outcomes(checkData({ ...facts, folder: null }, ['hps']))).to.deep.equal(['fail']);
    // It promised none: it votes and trains nothing.
    expect(outcomes(checkData({ ...facts, folder: null }, []))).to.deep.equal(['warn']);
    expect(outcomes(checkData({ ...facts, training: 0 }, []))).to.deep.equal(['fail']);
    expect(outcomes(checkData({ ...facts, failure: 'no such folder' }, []))).to.deep.equal([
      'fail',
    ]);
  });

  it('has more than the manifest knows, or cases that cannot be used', () => {
    expect(outcomes(checkData(facts, ['hps']))).to.deep.equal(['ok', 'warn']);
    expect(outcomes(checkData({ ...facts, setAside: 2 }, ['calc', 'hps']))).to.deep.equal([
      'ok',
      'warn',
    ]);
  });
});

describe('preflight: port, rights and compute', () => {
  it('say what is wrong and how to mend it', () => {
    expect(checkPort('0.0.0.0:4501', null, false).outcome).to.equal('ok');
    expect(checkPort('0.0.0.0:4501', 'taken', true).outcome).to.equal('ok');
    expect(checkPort('0.0.0.0:4501', 'taken', false).outcome).to.equal('fail');
    const loose = checkRights([
      { path: '/h', mode: 0o40700 },
      { path: '/h/keys', mode: 0o40750 },
    ]);
    expect(loose.map(({ found }) => found)).to.deep.equal([
      'mode 0750: others on this machine could read it',
    ]);
    expect(loose[0]?.remedy).to.equal('chmod go-rwx /h/keys');
    expect(outcomes(checkRights([{ path: '/h', mode: 0o40700 }]))).to.deep.equal(['ok']);
  });

  it('know whether the steps of a round fit before its deadline', () => {
    const facts = { backend: 'native', failure: null, stepMs: 100, stepMsMax: 1000 };
    expect(checkCompute(facts).outcome).to.equal('ok');
    expect(checkCompute({ ...facts, stepMs: 800 }).outcome).to.equal('warn');
    expect(checkCompute({ ...facts, stepMs: 1200 }).outcome).to.equal('fail');
    expect(checkCompute({ ...facts, stepMs: null }).outcome).to.equal('unknown');
    expect(checkCompute({ ...facts, failure: 'no memory' }).outcome).to.equal('fail');
    expect(checkCompute({ ...facts, backend: null }).outcome).to.equal('fail');
  });
});

describe('preflight: members', () => {
  const reached = (id: string): ProbeReport => ({
    link: {
      ...{ member: id as NodeId, state: 'connected', direction: 'outbound', problem: null },
      ...{ sinceMs: 0, heardMs: 0, sentBytes: 0, receivedBytes: 0 },
    },
    ...{ roundTripMs: 12.4, bytesPerSecond: 10_000_000 },
  });
  const problem = { layer: 'tcp', reason: 'connection refused', remedy: 'start it' } as const;
  const failed = (id: string): ProbeReport => {
    const link = { ...reached(id).link, state: 'unreachable', direction: null, problem } as const;
    return { link, roundTripMs: null, bytesPerSecond: null };
  };

  it('are reached, with how fast', () => {
    const [first, ...rest] = checkMembers(['L2', 'L3', 'L4'].map(reached), 3);
    expect(first?.found).to.equal('reached (direct), 12 ms, 80.0 Mbit/s');
    expect(outcomes(rest)).to.deep.equal(['ok', 'ok', 'ok']);
  });

  it('are not reached: the layer is named, and this side when it is everybody', () => {
    const one = checkMembers([reached('L2'), reached('L3'), failed('L4')], 3);
    expect(outcomes(one)).to.deep.equal(['ok', 'ok', 'warn', 'ok']);
    expect(one[2]?.found).to.equal('not reached, at tcp: connection refused');
    expect(one[2]?.remedy).to.equal('start it');
    const all = checkMembers(['L2', 'L3', 'L4'].map(failed), 3);
    expect(outcomes(all)).to.deep.equal(['warn', 'warn', 'warn', 'warn']);
    expect(all[0]?.remedy).to.contain('look at this side first');
    // A refusal is an answer: what is between works.
    const refused = { ...problem, reason: 'refused (ECONNREFUSED)' };
    const last = { ...failed('L4'), link: { ...failed('L4').link, problem: refused } };
    const answered = checkMembers([failed('L2'), failed('L3'), last], 3);
    expect(answered[0]?.remedy).to.equal('start it');
  });

  it('dial out only: nothing failed, so nobody is blamed', () => {
    const { link } = failed('L4');
    const silent = { ...failed('L4'), link: { ...link, state: 'waiting', problem: null } as const };
    const lines = checkMembers([reached('L2'), reached('L3'), silent], 3);
    expect(outcomes(lines)).to.deep.equal(['ok', 'ok', 'unknown', 'ok']);
  });

  it('are slow', () => {
    const slow = { ...reached('L2'), bytesPerSecond: 1000 };
    expect(outcomes(checkMembers([slow, reached('L3'), reached('L4')], 3))[0]).to.equal('warn');
  });
});

describe('preflight: the table', () => {
  it('goes in the order in which things build on each other', () => {
    const port = checkPort('a:1', 'taken', false);
    const disk = checkRights([{ path: '/h', mode: 0o700 }]);
    expect(inOrder([port, ...disk]).map(({ check }) => check)).to.deep.equal(['rights', 'port']);
    expect(worstOf([port, ...disk])).to.equal('fail');
    expect(worstOf(disk)).to.equal('ok');
    expect(worstOf([{ ...port, outcome: 'unknown' }])).to.equal('ok');
  });
});
