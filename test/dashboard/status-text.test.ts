import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import {
  emptyView,
  reduce,
  statusOf,
  statusText,
  type NodeEvent,
} from '../../src/dashboard/index.ts';
import {
  agoText,
  bytesText as pageBytes,
  durationText as pageDuration,
  fixed as pageFixed,
  shortDigest as pageDigest,
} from '../../src/dashboard/page/figures.ts';
import { bytesText, durationText, fixed, shortDigest } from '../../src/report/index.ts';
import { life, started } from './scripted-node.ts';

const textAfter = (events: readonly NodeEvent[]): string =>
  statusText(statusOf(events.reduce(reduce, emptyView), true));

describe('statusText', () => {
  it('says where the round stands, what each member does and why, and what to do', () => {
    const text = textAfter(life());
    for (const line of [
      'round 31, student (20 rounds): 2 of 8 updates here, 1 min 39 s left; own 34 of 60',
      '331 entries, root 5a5a5a5a…5a5a, cosigned by 7 (6 needed), height 91',
      'L5         configured  unreachable (tcp)',
      'heard before; unreachable: nothing answers at its address',
      'WARNING: L5 is unreachable',
      '  do: ask the member whether its node runs',
    ]) {
      expect(text).contain(line);
    }
  });

  it('has its columns below their heads', () => {
    const lines = textAfter(life()).split('\n');
    const head = lines.find((line) => line.startsWith('member'))!;
    const row = lines.find((line) => line.startsWith('L2 '))!;
    expect(row.indexOf('training')).equal(head.indexOf('status'));
    expect(row.indexOf('connected')).equal(head.indexOf('link'));
    expect(row.length).equal(head.length);
  });

  it('speaks before anything is known, and of a healthy node', () => {
    expect(textAfter([])).contain('NOT HEALTHY: the node is still starting');
    expect(textAfter([started()])).contain('No messages: nothing is wrong.');
  });

  it('moves no cursor, whatever a name or a message has in it', () => {
    const notice: NodeEvent = {
      kind: 'notice',
      code: 'x',
      level: 'warning',
      text: '\u001b[2J\rgone\nNEW LINE',
      remedy: '\u0007',
      atMs: 1,
    };
    const text = textAfter([started(['A\u001b[31m' as NodeId]), notice]);
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    expect(text).not.match(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect(text.split('\n')).not.include('NEW LINE');
  });
});

describe("the page's figures", () => {
  it('are written as those of the report', () => {
    for (const value of [
      0,
      1,
      59.94,
      999,
      1_023,
      1_024,
      1_536,
      9_949,
      9_950,
      59_999,
      60_000,
      3_599_999,
      3_600_000,
      1e9,
      2 ** 50,
    ]) {
      expect(pageBytes(value)).equal(bytesText(value));
      expect(pageDuration(value)).equal(durationText(value));
      expect(pageFixed(value, 2)).equal(fixed(value, 2));
    }
    for (const value of [null, NaN, Infinity]) expect(pageFixed(value, 1)).equal(fixed(value, 1));
    for (const digest of [null, 'ab'.repeat(32)])
      expect(pageDigest(digest)).equal(shortDigest(digest));
  });

  it('tell an age in its largest unit', () => {
    expect([999, 1_000, 59_999, 60_000, 3_599_999, 7_200_000].map(agoText)).deep.equal([
      ...['now', '1 s ago', '59 s ago', '1 min ago', '59 min ago', '2 h ago'],
    ]);
  });
});
