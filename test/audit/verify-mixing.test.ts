/** What an auditor finds in the reports of a mixing: each edge stands under two signatures. */
import { expect } from 'chai';
import { utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { Report } from '../../src/audit/verdict.ts';
import { verifyReports } from '../../src/audit/verify-mixing.ts';
import {
  blockLeaf,
  cutDigest,
  signReport,
  type BlockBody,
  type Cut,
  type MixingReport,
  type Open,
  type Seal,
} from '../../src/wire/index.ts';
import { consortium, member, open } from '../gossip/sample-round.ts';

const ids = ['L1', 'L2', 'L3'] as NodeId[];
const model = (at: number): Digest => digestOf(utf8(`model ${at}`));
const state = (at: number): Digest => digestOf(utf8(`state ${at}`));
const cut: Cut = {
  ...{ op: 'CUT', r: open.r },
  updates: ids.map((peer) => ({
    ...{ peer, env: digestOf(utf8(`env ${peer}`)), upd: digestOf(utf8(`upd ${peer}`)), n: 10 },
  })),
};
const mixedOpen: Open = {
  ...open,
  rule: {
    ...{ kind: 'mixing', topology: { kind: 'ring' }, steps: 1, epsilonNano: 10_000 },
    ...{ patienceMs: 5_000, samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
    ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
  },
};

/** One step: each sends to the next one. */
function reports(): MixingReport[] {
  return ids.map((author, at) => ({
    ...{ cid: consortium.cid, round: open.r, cut: cutDigest(cut), author, model: model(at) },
    steps: [
      { sent: state(at), to: [(at + 1) % 3], received: [[(at + 2) % 3, state((at + 2) % 3)]] },
    ],
  }));
}

interface Changes {
  readonly said?: readonly MixingReport[];
  readonly signers?: readonly string[];
  readonly agg?: Digest;
  /** Of an entry, after SEAL has named it. */
  readonly alter?: (bytes: Uint8Array) => Uint8Array;
}

/** What an auditor says of a block with these reports. */
async function findings({
  said = reports(),
  signers = ids,
  agg = model(1),
  alter,
}: Changes): Promise<string[]> {
  const signed = said.map((one, at) => signReport(one, member(signers[at]!).keys.log));
  const named = signed.map((bytes, at) => ({ peer: ids[at]!, report: digestOf(bytes) }));
  const seal: Seal = {
    ...{ op: 'SEAL', r: open.r, agg, W: 30, metrics: {} },
    mixed: { epsilonNano: 10_000, steps: 1, reports: named },
  };
  const bare = {
    v: 1,
    cid: consortium.cid,
    e: 0,
    h: 3,
    ts: 1,
    ops: [seal],
  } as unknown as BlockBody;
  const body = { ...bare, prev: model(9), log: { size: 10, root: model(9) } };
  const sorted = [...signed].sort((a, b) => (digestOf(a) < digestOf(b) ? -1 : 1));
  const entries = [
    ...new Array<null>(6).fill(null),
    ...sorted.map((bytes, at) => (at === 0 && alter ? alter(bytes) : bytes)),
    blockLeaf(body),
  ];
  const at = (index: number): Promise<Uint8Array | null> => Promise.resolve(entries[index] ?? null);
  const report = new Report();
  await verifyReports(
    body,
    { open: mixedOpen, cut, seal },
    { versions: [consortium], entries: { at }, entryName: (index) => `entry ${index}`, report },
  );
  return report.findings.map(({ where, what }) => `${where}: ${what}`);
}

function changed(at: number, change: Partial<MixingReport>): MixingReport[] {
  return reports().map((one, index) => (index === at ? { ...one, ...change } : one));
}

describe('the reports of a mixing, to an auditor', () => {
  it('are in order when both ends of every edge signed the same', async () => {
    expect(await findings({})).to.deep.equal([]);
  });

  it('name the edge that disagrees', async () => {
    const received = [[2, state(7)]] as const;
    const said = changed(0, { steps: [{ sent: state(0), to: [1], received }] });
    const [a, b] = [state(2).slice(0, 12), state(7).slice(0, 12)];
    expect(await findings({ said })).to.deep.equal([
      `decisions/3.json SEAL of round 3: step 0, L3 to L1: L3 signed ${a}, L1 ${b}`,
    ]);
  });

  it('are refused when one was altered', async () => {
    const alter = (bytes: Uint8Array): Uint8Array => {
      const text = new TextDecoder().decode(bytes);
      return utf8(text.replace('"sig":"', '"sig":"A').replace(/.("\}\]\})$/, '$1'));
    };
    expect(await findings({ alter })).to.deep.equal(['entry 6: not the report that block 3 names']);
  });

  it('are refused under another key, of another cut, or with other steps', async () => {
    const [another] = await findings({ signers: ['L2', 'L2', 'L3'] });
    expect(another).to.match(/signature/);
    const [foreign] = await findings({ said: changed(1, { cut: model(5) }) });
    expect(foreign).to.match(/another CUT/);
    expect((await findings({ said: changed(2, { steps: [] }) })).join('; ')).to.match(
      /0 steps, not 1/,
    );
    expect(
      (await findings({ said: changed(1, { author: ids[2]! }), signers: ['L1', 'L3', 'L3'] }))[0],
    ).to.match(/signed by L3, not L2/);
  });

  it('must hold the model that was sealed', async () => {
    expect(await findings({ agg: model(8) })).to.deep.equal([
      'decisions/3.json SEAL of round 3: its model is in no report',
    ]);
  });
});
