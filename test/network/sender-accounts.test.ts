import { expect } from 'chai';
import type { Logger, NodeId } from '../../src/base/index.ts';
import { networkDefaults, type NetworkSettings } from '../../src/network/index.ts';
import { SenderAccount } from '../../src/network/sender-account.ts';
import { SenderAccounts } from '../../src/network/sender-accounts.ts';
import { TransferSlots } from '../../src/network/transfer-slots.ts';
import { pass, until } from './libp2p-cluster.ts';

const member = 'L4' as NodeId;

describe('SenderAccount', () => {
  const account = (changes: Partial<NetworkSettings> = {}): SenderAccount =>
    new SenderAccount({ ...networkDefaults, ...changes }, 0);

  it('stays open for an honest author after we stood still for 20 s', () => {
    const one = account();
    for (let n = 0; n < 45; n++) expect(one.broadcast(0, 1_000)).to.equal('taken');
    // 0.9 of 20 a second for 20 s, all at once: 50 are within the burst, 310 are not.
    const outcomes = Array.from({ length: 360 }, () => one.broadcast(20_000, 1_000));
    expect(outcomes.filter((outcome) => outcome === 'taken')).to.have.length(50);
    expect(outcomes).not.to.include('closed');
  });

  it('takes the busiest second of an honest member among 100', () => {
    const one = account();
    // A proposal of 60 KiB, a certificate of 67 signatures, a view with as many, and a checkpoint of 100 lines.
    for (const [bytes, signatures] of [
      [61_440, 68],
      [8_192, 67],
      [8_192, 67],
      [12_288, 100],
    ] as const) {
      expect(one.broadcast(0, bytes)).to.equal('taken');
      one.signatures(0, signatures);
    }
    // 302 signatures at 0.1 ms, 88 KiB at 0.02 and 4 messages at 0.1: 32 ms of 1000 that are there at once.
    expect(one.waitMs(0)).to.equal(0);
  });

  it('makes a direct sender wait by what it cost, and never closes for that', () => {
    const one = account({ senderWorkMsPerSecond: 100, senderWorkMsBurst: 100 });
    one.direct(0, 0);
    one.signatures(0, 1_999); // 0.1 + 199.9 ms of work: 100 ms too much
    expect(one.waitMs(0)).to.equal(1_000);
    expect(one.waitMs(400)).to.equal(600);
    expect(one.broadcast(400, 0)).to.equal('dropped');
    expect(one.waitMs(1_000)).to.equal(0);
    expect(one.broadcast(1_000, 0)).to.equal('taken');
  });

  it('closes at the fault after the last that is forgiven, and forgives one a second', () => {
    const one = account({ senderFaultsMax: 3 });
    expect([0, 0, 0, 0].map((ms) => one.fault(ms))).to.deep.equal([true, true, true, false]);
    const slow = account({ senderFaultsMax: 1 });
    expect([0, 1_000, 2_000, 2_500].map((ms) => slow.fault(ms))).to.deep.equal([
      ...[true, true, true, false],
    ]);
  });
});

describe('SenderAccounts', () => {
  let lines: string[];
  let hungUp: NodeId[];
  const open = (changes: Partial<NetworkSettings>): SenderAccounts => {
    lines = [];
    hungUp = [];
    const logger: Logger = {
      log: (level, message, facts) => lines.push(`${level} ${message} ${JSON.stringify(facts)}`),
    };
    const accounts = new SenderAccounts({ ...networkDefaults, ...changes }, logger);
    accounts.onHangUp((who) => hungUp.push(who));
    return accounts;
  };
  const refuse = (accounts: SenderAccounts, times: number): void => {
    for (let n = 0; n < times; n++) {
      accounts.charge(member, { signatures: 1, refusal: 'bad signature' });
    }
  };

  it('says once that a member is refused and once that it is hung up on, with counts', () => {
    const accounts = open({ senderFaultsMax: 5 });
    refuse(accounts, 500);
    expect(hungUp).to.deep.equal([member]);
    expect(accounts.isHungUp(member)).to.equal(true);
    expect(lines).to.have.length(2);
    expect(lines[0]).to.match(/^warn a member's messages are refused .*"bad signature"/);
    expect(lines[1]).to.contain('"refused":6').and.contain('"forMs":10000');
    accounts.stop();
  });

  it('takes nothing from a member while it is hung up on, and twice as long the next time', async () => {
    const accounts = open({ senderFaultsMax: 1, hangUpMsMin: 100, hangUpMsMax: 60_000 });
    for (const [forMs, count] of [
      [100, 1],
      [200, 2],
      [400, 3],
    ] as const) {
      refuse(accounts, 2);
      expect(hungUp).to.have.length(count);
      expect(lines.at(-1)).to.contain(`"forMs":${forMs}`);
      expect(accounts.admitBroadcast(member, 1)).to.equal(false);
      expect(await accounts.admitDirect(member, 1)).to.equal(false);
      expect(await accounts.admitStream(member)).to.equal(false);
      await until(() => !accounts.isHungUp(member), 'it is over');
      expect(accounts.admitBroadcast(member, 1)).to.equal(true);
    }
    accounts.stop();
  });

  it('lets the event loop have its turn while one member has much to say', async () => {
    const accounts = open({ messagesPerSecond: 10_000 });
    let turns = 0;
    const count = (): void => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    // 1000 messages at 0.1 ms are 100 ms of work: a turn for the others after each 2.
    for (let n = 0; n < 1_000; n++) expect(await accounts.admitDirect(member, 0)).to.equal(true);
    clearImmediate(timer);
    expect(turns).to.be.at.least(40);
    accounts.stop();
  });
});

describe('TransferSlots', () => {
  it('gives a member its first at once and lets further ones wait in line, for a while', async () => {
    const slots = new TransferSlots(2, 100);
    const [l1, l2, l3] = ['L1', 'L2', 'L3'] as NodeId[];
    const first = await slots.take(l1!);
    const second = await slots.take(l1!);
    const third = slots.take(l1!);
    const other = await slots.take(l2!);
    expect(slots.open).to.equal(3);
    expect(await third).to.equal(null);
    const waiting = slots.take(l1!);
    first!();
    await pass(10);
    expect(slots.open).to.equal(2); // as many as there may be: nobody was let in
    other!();
    expect(await waiting).not.to.equal(null);
    expect(await slots.take(l3!)).not.to.equal(null);
    second!();
  });
});
