import { expect } from 'chai';

import {
  forbiddenPair,
  readEvidence,
  verifyEvidence,
  type EvidencePair,
} from '../../src/wire/index.ts';
import { signedPart } from '../../src/wire/evidence.ts';
import { bodyA, bodyB, emptyChain, Epoch, previous, xA, xB } from '../consensus/fixture.ts';

const epoch = new Epoch();
const proposalA = epoch.proposal(1, bodyA, epoch.nulls(1), 2);
const proposalB = epoch.proposal(1, bodyB, epoch.nulls(1), 2);
const unjustified = epoch.proposal(1, bodyA, emptyChain, 2);
const guilty: EvidencePair[] = [
  { kind: 'two_proposals', a: signedPart(proposalA), b: signedPart(proposalB) },
  {
    kind: 'two_notarizations',
    a: signedPart(epoch.vote('NOTARIZE', 0, xA, 2)),
    b: signedPart(epoch.vote('NOTARIZE', 0, xB, 2)),
  },
  {
    kind: 'two_finalizations',
    a: signedPart(epoch.vote('FINALIZE', 0, xA, 2)),
    b: signedPart(epoch.vote('FINALIZE', 0, xB, 2)),
  },
  {
    kind: 'nullify_and_finalize',
    a: signedPart(epoch.vote('NULLIFY', 0, undefined, 2)),
    b: signedPart(epoch.vote('FINALIZE', 0, xB, 2)),
  },
  {
    kind: 'nullify_and_finalize',
    a: signedPart(epoch.vote('NULLIFY', 6, undefined, 2, 3)),
    b: signedPart(epoch.vote('FINALIZE', 4, xB, 2)),
  },
  {
    kind: 'two_nullifications',
    a: signedPart(epoch.vote('NULLIFY', 6, undefined, 2, 3)),
    b: signedPart(epoch.vote('NULLIFY', 6, undefined, 2, 4)),
  },
  { kind: 'bad_justification', a: signedPart(unjustified), b: null, chain: emptyChain },
];

describe('evidence', () => {
  it('convicts the signer, and survives its JSON form', () => {
    for (const pair of guilty) {
      const read = readEvidence(JSON.parse(JSON.stringify(pair)));
      expect(verifyEvidence(read, epoch.context), pair.kind).equal(2);
    }
  });

  it('convicts nobody for what an honest member may sign', () => {
    const may = [
      [epoch.vote('NOTARIZE', 0, xA, 2), epoch.vote('NULLIFY', 0, undefined, 2)],
      [epoch.vote('NOTARIZE', 0, xA, 2), epoch.vote('FINALIZE', 0, xB, 2)],
      [epoch.vote('NOTARIZE', 0, xA, 2), epoch.vote('NOTARIZE', 1, xB, 2)],
      [epoch.vote('NOTARIZE', 0, xA, 2), epoch.vote('NOTARIZE', 0, xA, 2)],
      [epoch.vote('NULLIFY', 0, undefined, 2), epoch.vote('NULLIFY', 0, undefined, 2)],
      [epoch.vote('NULLIFY', 6, undefined, 2, 4), epoch.vote('FINALIZE', 4, xB, 2)],
      [epoch.vote('NULLIFY', 6, undefined, 2, 4), epoch.vote('FINALIZE', 7, xB, 2)],
      [epoch.vote('NULLIFY', 6, undefined, 2, 4), epoch.vote('NULLIFY', 7, undefined, 2, 3)],
      [epoch.vote('NOTARIZE', 0, xA, 2), new Epoch(4, 2).vote('NOTARIZE', 0, xB, 2)],
    ] as const;
    for (const [a, b] of may) expect(forbiddenPair(a, b), `${a.t} ${b.t}`).equal(null);
  });

  it('proves nothing when altered', () => {
    const two = guilty[1]!;
    const justified = { kind: 'bad_justification', a: signedPart(proposalA), b: null } as const;
    const bad: Record<string, EvidencePair> = {
      'another kind': { ...two, kind: 'two_finalizations' },
      'two signers': { ...two, b: signedPart(epoch.vote('NOTARIZE', 0, xB, 3)) },
      'a framed signer': { ...two, a: { ...two.a, i: 3 }, b: { ...two.b!, i: 3 } },
      'one forged': { ...two, b: { ...two.b!, sig: two.a.sig } },
      'one missing': { ...two, b: null },
      'one twice': { ...two, b: two.a },
      'a chain beside': { ...two, chain: emptyChain },
      'a good chain': { ...justified, chain: epoch.nulls(1) },
      'a chain that was not signed': { ...justified, chain: emptyChain },
      'no chain': justified,
    };
    for (const [name, pair] of Object.entries(bad)) {
      expect(verifyEvidence(pair, epoch.context), name).equal(null);
    }
    expect(verifyEvidence(two, { ...epoch.context, cid: previous }), 'consortium').equal(null);
    expect(verifyEvidence(two, { ...epoch.context, epoch: 2 }), 'epoch').equal(null);
  });
});
