import { expect } from 'chai';
import type { NodeId } from '../../../src/base/index.ts';
import { Presence } from '../../../src/peer/rounds/presence.ts';

const [self, other, third] = ['L1', 'L2', 'L3'] as [NodeId, NodeId, NodeId];
const silenceMs = 1000;

describe('Presence', () => {
  let nowMs: number;
  let presence: Presence;

  beforeEach(() => {
    nowMs = 5000;
    presence = new Presence({ self, clock: { nowMs: () => nowMs }, silenceMs });
  });

  it('gives everybody the silence from the round’s start, and from each sign of life', () => {
    nowMs = 6000;
    expect(presence.isSilent(other)).to.equal(false);
    presence.heard(other, nowMs);
    nowMs = 6001;
    expect([other, third].map((id) => presence.isSilent(id))).to.deep.equal([false, true]);
    nowMs = 7001;
    expect(presence.isSilent(other)).to.equal(true);
    presence.heard(other, nowMs);
    expect(presence.isSilent(other)).to.equal(false);
  });

  it('never finds this node silent, unless it abstains', () => {
    nowMs = 1_000_000;
    expect(presence.isSilent(self)).to.equal(false);
    expect(presence.isAbstaining).to.equal(false);
    presence.abstained(self);
    expect(presence.isSilent(self)).to.equal(true);
    expect(presence.isAbstaining).to.equal(true);
  });

  it('does not wait for who abstains, whatever else it says', () => {
    presence.abstained(other);
    presence.heard(other, nowMs);
    expect(presence.isSilent(other)).to.equal(true);
    expect(presence.isAbstaining, 'the other does, this node does not').to.equal(false);
  });
});
