import { expect } from 'chai';

import {
  consensusDefaults,
  ConsensusError,
  validateConsensusSettings,
  viewTimeoutMs,
  type ConsensusSettings,
} from '../../src/consensus/index.ts';

describe('consensus settings', () => {
  it('accepts the defaults', () => {
    expect(validateConsensusSettings(consensusDefaults)).equal(consensusDefaults);
  });

  it('names the key that is out of range', () => {
    const bad: Partial<ConsensusSettings>[] = [
      { viewTimeoutMs: 0 },
      { viewTimeoutMs: 1000.5 },
      { viewTimeoutGrowth: 0.9 },
      { viewTimeoutGrowth: Number.NaN },
      { viewTimeoutMsMax: consensusDefaults.viewTimeoutMs - 1 },
      { proposeAgainMs: -1 },
      { resendMs: 1 },
      { resendMsMax: consensusDefaults.resendMs - 1 },
      { viewsAheadMax: 0 },
      { repliesPerResendMax: 0 },
      { decisionsKept: 0 },
    ];
    for (const change of bad) {
      const [key] = Object.keys(change);
      expect(() => validateConsensusSettings({ ...consensusDefaults, ...change }), key)
        .throw(ConsensusError, String(key))
        .property('facts')
        .deep.equal({ code: 'bad_setting', key });
    }
  });

  it('lets views last min(Tmax, T0 * 1.5^v)', () => {
    const timeouts = [0, 1, 2, 3, 100, 10_000].map((v) => viewTimeoutMs(consensusDefaults, v));
    expect(timeouts).deep.equal([10_000, 15_000, 22_500, 33_750, 600_000, 600_000]);
  });
});
