import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { HeardMembers } from '../../src/network/heard-members.ts';
import { TokenBucket } from '../../src/network/token-bucket.ts';
import { ReplayWindow } from '../../src/network/replay-window.ts';
import { toMultiaddr } from '../../src/network/member-directory.ts';
import { systemClock, systemRandom } from '../../src/host/index.ts';
import { NetworkError } from '../../src/network/errors.ts';
import {
  networkDefaults,
  validateNetworkSettings,
  type NetworkSettings,
} from '../../src/network/index.ts';

describe('TokenBucket', () => {
  it('gives the burst, then the rate, and saves no more than the burst', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3, nowMs: 0 });
    const taken = (nowMs: number): number => {
      let count = 0;
      while (bucket.take(nowMs)) count++;
      return count;
    };
    expect(taken(0)).to.equal(3);
    expect(bucket.waitMs(0)).to.equal(100);
    expect(taken(99)).to.equal(0);
    expect(taken(100)).to.equal(1);
    expect(taken(350)).to.equal(2);
    expect(taken(60_000)).to.equal(3);
    // A clock that falls gives nothing.
    expect(taken(0)).to.equal(0);
  });
});

describe('HeardMembers', () => {
  const [near, far] = ['L2', 'L3'] as NodeId[];

  it('takes a member for off after three minutes without a word, and back at its first', () => {
    const members = new HeardMembers(1_000);
    // Nobody has had the time to be heard yet.
    expect(members.isSilent(near!, 181_000)).to.equal(false);
    members.heard(far!, 100_000);
    expect(members.isSilent(near!, 181_001)).to.equal(true);
    expect(members.isSilent(far!, 280_000)).to.equal(false);
    expect(members.isSilent(far!, 280_001)).to.equal(true);
    members.heard(far!, 300_000);
    expect(members.isSilent(far!, 300_001)).to.equal(false);
  });
});

describe('ReplayWindow', () => {
  it('takes each number once, in any near order, and none from before the window', () => {
    const window = new ReplayWindow(4);
    const admit = (...numbers: number[]): boolean[] => numbers.map((n) => window.admit(BigInt(n)));
    expect(admit(10, 12, 11, 12, 10)).to.deep.equal([true, true, true, false, false]);
    expect(admit(20, 21)).to.deep.equal([true, true]);
    // Five were seen, four are kept at most: the older half is below the floor now.
    expect(admit(11, 12, 9)).to.deep.equal([false, false, false]);
    expect(admit(13, 20, 21, 22)).to.deep.equal([true, false, false, true]);
  });
});

describe('toMultiaddr', () => {
  it('reads host and port of every kind', () => {
    const cases: [string, string][] = [
      ['127.0.0.1:4001', '/ip4/127.0.0.1/tcp/4001'],
      ['[::1]:4001', '/ip6/::1/tcp/4001'],
      ['node.hospital.example:4001', '/dns/node.hospital.example/tcp/4001'],
      ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/1'],
    ];
    for (const [address, expected] of cases) {
      expect(toMultiaddr(address).toString(), address).to.equal(expected);
    }
  });

  it('refuses everything else', () => {
    const bad = ['', 'host', ':1', 'host:', 'host:65536', '1.2.3.999:1', 'a b:1', '/ip4/x/tcp/1'];
    for (const address of [...bad, '/nonsense/1', '[::1:4001', 'a/b:1']) {
      expect(() => toMultiaddr(address), address).to.throw(NetworkError);
    }
  });
});

describe('validateNetworkSettings', () => {
  const check = (changes: Partial<NetworkSettings>): void => {
    validateNetworkSettings({ ...networkDefaults, ...changes });
  };

  it('takes the defaults', () => {
    check({});
  });

  it('refuses values out of range and values that contradict each other', () => {
    const bad: Partial<NetworkSettings>[] = [
      { dialTimeoutMs: 0 },
      { chunkBytes: 1.5 },
      { messagesPerSecond: Number.NaN },
      { redialMsMin: 1_000, redialMsMax: 999 },
      { broadcastsPerSecond: 51 },
      { readHighWaterBytes: 8_192 },
      { senderWorkMsPerSecond: 500, senderWorkMsBurst: 499 },
      { hangUpMsMin: 1_000, hangUpMsMax: 999 },
      { transferBytesPerSecondMax: networkDefaults.chunkBytes - 1 },
      { readBufferBytesMax: 5 * 1024 * 1024 - 1 },
    ];
    for (const changes of bad) {
      const call = (): void => {
        check(changes);
      };
      expect(call, JSON.stringify(changes))
        .to.throw(NetworkError)
        .with.property('code', 'bad_setting');
    }
    check({ readBufferBytesMax: 5 * 1024 * 1024 });
  });
});

describe('the machine behind the ports', () => {
  it('has a clock that does not fall and timers that can be cancelled', async () => {
    const clock = systemClock();
    expect(Math.abs(clock.nowMs() - Date.now())).to.be.below(1_000);
    let fired = '';
    clock.setTimer(5, () => (fired += 'a'));
    const cancel = clock.setTimer(5, () => (fired += 'b'));
    cancel();
    cancel();
    // Node fires a timer beyond 2^31 ms at once; ours waits.
    const cancelLong = clock.setTimer(2 ** 40, () => (fired += 'c'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    cancelLong();
    expect(fired).to.equal('a');
  });

  it('has chance that differs from call to call', () => {
    const draw = (): number => systemRandom().uint32();
    expect(new Set([draw(), draw(), draw(), draw()]).size).to.be.greaterThan(1);
  });
});
