import { expect } from 'chai';

import { base64, utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { judgeCertificate } from '../../src/audit/certificate.ts';
import { Suspensions } from '../../src/audit/suspensions.ts';
import { encodeDecision } from '../../src/audit/log-files.ts';
import { Report } from '../../src/audit/verdict.ts';
import { openDecision } from '../../src/audit/decision-files.ts';
import { verifyDecision } from '../../src/audit/verify-chain.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  consensusDomain,
  genesisPrev,
  statementBytes,
  type BlockBody,
  type EvidencePair,
  type Op,
  type SignedStatement,
} from '../../src/wire/index.ts';
import { bodyOf, certify, makeConsortium, open } from './consortium.ts';

// n = 5: q = 4. With one suspended n = 4 and q = 3.
const consortium = makeConsortium(5);
const { cid } = consortium.signed;

function vote(i: number, x: Digest, h = 1): SignedStatement {
  const statement = { t: 'FINALIZE', cid, e: 0, h, v: 0, x } as const;
  const { consensus } = consortium.members[i]!.keys;
  return {
    ...statement,
    i,
    sig: base64(consensus.sign(consensusDomain, statementBytes(statement))),
  };
}

function pairOf(i: number, h = 1): EvidencePair {
  const [a, b] = ['one', 'other'].map((text) => vote(i, digestOf(utf8(text)), h));
  return { kind: 'two_finalizations', a: a!, b: b! };
}

function body(h: number, ops: readonly Op[]): BlockBody {
  const log = { size: h, root: digestOf(utf8('root')) };
  return { ...bodyOf(consortium, h, genesisPrev, ops), log };
}

describe('suspended keys, as an auditor follows them', () => {
  it('count in the certificate of the block that convicts them, and in none after it', () => {
    const report = new Report();
    const suspensions = new Suspensions(consortium.signed, 0, report);
    suspensions.take(body(3, [{ op: 'EVID', pair: pairOf(0) }]));
    expect(report.findings).to.deep.equal([]);
    expect([...suspensions.from]).to.deep.equal([[0, 4]]);
    const problemOf = (h: number, signers: number): string | null => {
      const block = body(h, [open(consortium, 1, digestOf(utf8('base')))]);
      const certificate = certify(consortium, block, signers);
      const decision = { body: block, certificate };
      return judgeCertificate(decision, consortium.signed, suspensions.from).problem;
    };
    expect(problemOf(3, 4), 'L1 to L4, before').to.equal(null);
    expect(problemOf(4, 4), 'L1 to L4, after').to.equal(
      'the certificate counts L1, whose key is suspended',
    );
    expect(problemOf(4, 3), 'L2 and L3 are no quorum of four').to.include(
      'expected valid votes of 3 members, got 2',
    );
    expect(problemOf(3, 3), 'nor three of five').to.include('expected valid votes of 4');
  });

  it('follow the key into the next version of the manifest, and go with a key that is gone', () => {
    const { manifest } = consortium.signed;
    const suspensions = new Suspensions(consortium.signed, 0, new Report());
    suspensions.take(body(3, [{ op: 'EVID', pair: pairOf(0) }]));
    suspensions.take(body(4, [{ op: 'EVID', pair: pairOf(1, 4) }]));
    expect([...suspensions.from]).to.deep.equal([
      [0, 4],
      [1, 5],
    ]);
    const [first, second, ...others] = manifest.members;
    // The line of L1 comes behind another one; L2 has another key.
    const key = base64(new Uint8Array(32).fill(7));
    const newcomer = { ...others[0]!, id: 'A1' as NodeId, consensusKey: key };
    const members = [newcomer, first!, { ...second!, consensusKey: 'x' }, ...others];
    suspensions.enter({ ...consortium.signed, manifest: { ...manifest, version: 1, members } });
    expect([...suspensions.from]).to.deep.equal([[1, 4]]);
  });

  it('are those of one epoch: a block or evidence of another is a finding', () => {
    const report = new Report();
    new Suspensions(consortium.signed, 1, report).take(body(3, [{ op: 'EVID', pair: pairOf(0) }]));
    expect(JSON.stringify(report.findings)).to.include('proves nothing');
    const block = body(1, [open(consortium, 1, digestOf(utf8('base')))]);
    const decision = { body: block, certificate: certify(consortium, block) };
    const findingsAt = (epoch: number): string => {
      const found = new Report();
      const decidedBy = { consortium: consortium.signed, epoch, suspendedFrom: new Map() };
      verifyDecision(1, openDecision(encodeDecision(decision)), decidedBy, found);
      return JSON.stringify(found.findings);
    };
    expect(findingsAt(0)).to.equal('[]');
    expect(findingsAt(1)).to.include('epoch 0: the members are those of epoch 1');
  });

  it('are found out when the evidence proves nothing, comes twice or beside something else', () => {
    const proof = pairOf(1);
    const [evid, again]: Op[] = [
      { op: 'EVID', pair: proof },
      { op: 'EVID', pair: pairOf(1) },
    ];
    const bad: [string, readonly Op[], string][] = [
      ['one vote twice', [{ op: 'EVID', pair: { ...proof, b: proof.a } }], 'proves nothing'],
      ['a height ahead', [{ op: 'EVID', pair: pairOf(2, 9) }], 'proves nothing'],
      [
        'a framed member',
        [{ op: 'EVID', pair: { ...proof, a: { ...proof.a, i: 2 }, b: { ...proof.b!, i: 2 } } }],
        'proves nothing',
      ],
      ['twice', [evid!, again!], 'suspended already'],
      ['not alone', [evid!, open(consortium, 1, digestOf(utf8('base')))], 'stand alone'],
    ];
    for (const [name, ops, problem] of bad) {
      const report = new Report();
      new Suspensions(consortium.signed, 0, report).take(body(3, ops));
      expect(report.findings.map((finding) => JSON.stringify(finding)).join(), name).to.include(
        problem,
      );
    }
  });
});
