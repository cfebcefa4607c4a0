import { expect } from 'chai';
import { hex, type NodeId } from '../../../src/base/index.ts';
import { simulatedMember } from '../../../src/experiment/run/consortium.ts';

const keysOf = (seed: number, id: string): string[] => {
  const { org, consensus, log, witness, transport, seal, site } = simulatedMember(
    seed,
    id as NodeId,
    [],
  ).keys;
  const signers = [org, consensus, log, witness, transport, seal];
  return [...signers.map(({ publicKey }) => hex(publicKey)), hex(site)];
};

describe('simulated consortium', () => {
  it('gives the same keys for the same seed and name', () => {
    expect(keysOf(1, 'L1')).to.deep.equal(keysOf(1, 'L1'));
  });

  it('gives every role, member and seed a key of its own', () => {
    const all = [keysOf(1, 'L1'), keysOf(1, 'L2'), keysOf(2, 'L1'), keysOf(12, 'L1')].flat();
    expect(new Set(all).size).to.equal(4 * 7);
  });

  it('writes labels in ascending order', () => {
    const { labels } = simulatedMember(1, 'L1' as NodeId, ['ms', 'calc']);
    expect(labels).to.deep.equal(['calc', 'ms']);
  });
});
