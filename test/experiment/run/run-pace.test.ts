import { expect } from 'chai';
import { consensusDefaults } from '../../../src/consensus/index.ts';
import { peerDefaults } from '../../../src/peer/index.ts';
import {
  changedTimings,
  measureDeliveryMs,
  pacedTimings,
  stretchOf,
} from '../../../src/experiment/run/run-pace.ts';

const asked = {
  consensus: { ...consensusDefaults, viewTimeoutMs: 2000, resendMs: 300, resendMsMax: 2000 },
  peer: { ...peerDefaults, tickMs: 200 },
};

describe('run pace', () => {
  it('leaves timings alone that the machine can keep', () => {
    // 4 * 3 deliveries of 1 ms are 12 ms: 6 % of 200 ms.
    expect(pacedTimings(asked, 4, 1)).deep.equal(asked);
    expect(stretchOf(asked, pacedTimings(asked, 4, 1))).equal(1);
  });

  it('stretches them with the pairs and with the cost of a delivery', () => {
    // 16 * 15 deliveries of 2 ms are 480 ms; at a fifth of the thread that is one heartbeat in 2400 ms.
    const { consensus, peer } = pacedTimings(asked, 16, 2);
    expect(peer.tickMs).equal(2400);
    expect(consensus.resendMs).equal(2400);
    expect(consensus.resendMsMax).equal(2400);
    // Twelve messages to all.
    expect(consensus.viewTimeoutMs).equal(5760);
    expect(peer.silenceMs).equal(24_000);
    expect(stretchOf(asked, { consensus, peer })).equal(2.88); // 5760 / 2000
    expect(changedTimings(asked, { consensus, peer })).deep.equal([
      'consensus.viewTimeoutMs 2000 → 5760',
      'consensus.resendMs 300 → 2400',
      'peer.tickMs 200 → 2400',
      'peer.silenceMs 20000 → 24000',
    ]);
  });

  it('measures more than nothing', () => {
    expect(measureDeliveryMs(() => performance.now())).greaterThan(0);
  });
});
