import { expect } from 'chai';
import { utf8, type Height, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import type { PeerEvent } from '../../src/peer/events.ts';
import { heardClaims, MemberNews } from '../../src/peer/member-news.ts';
import { writePeerMessage, type StatusMessage } from '../../src/peer/peer-messages.ts';

const L2 = 'L2' as NodeId;
const code = digestOf(utf8('program'));
const beat = (changes: Partial<StatusMessage> = {}): StatusMessage => ({
  ...{ t: 'status', h: 7 as Height, r: 3 as RoundNumber, s: 12, at: 1_000_000, code, m: 2 },
  ...changes,
});

describe('news of members', () => {
  function listen(): { news: MemberNews; events: PeerEvent[] } {
    const events: PeerEvent[] = [];
    return { news: new MemberNews((event) => events.push(event)), events };
  }

  it('are told once, and again when something is new', () => {
    const { news, events } = listen();
    news.heard(L2, beat(), 1_000_030);
    news.heard(L2, beat({ at: 1_001_000 }), 1_001_090);
    const claims = { height: 7, aheadMs: 30, code, version: 2 };
    expect(events).deep.equal([{ kind: 'heard', member: L2, ...claims }]);
    news.heard(L2, beat({ at: 1_002_000, m: 3 }), 1_002_030);
    news.heard(L2, beat({ at: 1_003_000, m: 3, h: 8 as Height }), 1_003_030);
    expect(events.slice(1)).deep.equal([
      { kind: 'heard', member: L2, ...claims, version: 3 },
      { kind: 'heard', member: L2, ...claims, version: 3, height: 8 },
    ]);
  });

  it('of a clock take the quicker of two heartbeats: one that was held up says nothing', () => {
    const { news, events } = listen();
    news.heard(L2, beat(), 1_000_000);
    // This machine slept for ten minutes; old heartbeats come first, then new ones.
    news.heard(L2, beat({ at: 1_001_000 }), 1_601_000);
    news.heard(L2, beat({ at: 1_601_000 }), 1_601_050);
    expect(events).have.length(1);
    // Its clock was set back by four minutes, and stays there.
    news.heard(L2, beat({ at: 1_362_000 }), 1_602_000);
    news.heard(L2, beat({ at: 1_363_000 }), 1_603_000);
    expect(events.slice(1)).deep.equal([
      { kind: 'heard', member: L2, height: 7, aheadMs: 240_000, code, version: 2 },
    ]);
  });

  it('are read out of a heartbeat alone', () => {
    const [, bytes] = writePeerMessage(beat());
    expect(heardClaims(bytes, 1_000_500)).deep.equal({ height: 7, aheadMs: 500, code, version: 2 });
    expect(heardClaims(bytes.subarray(1), 0)).equal(null);
    expect(heardClaims(utf8('{"t":"key"}'), 0)).equal(null);
  });
});
