import { expect } from 'chai';

import {
  readCertificate,
  verifyCertificate,
  verifyChain,
  type Certificate,
  type Chain,
} from '../../src/consensus/index.ts';
import { statementBytes } from '../../src/consensus/certificate.ts';
import { fromUtf8 } from '../../src/base/index.ts';
import { emptyChain, Epoch, previous, xA, xB } from './fixture.ts';

const epoch = new Epoch();
const good = epoch.certificate('FINALIZE', 2, xA);

describe('certificates', () => {
  it('sign exactly the canonical statement', () => {
    const { cid } = epoch.context;
    const bytes = statementBytes({ t: 'FINALIZE', cid, e: 1, h: 1, v: 2, x: xA });
    expect(fromUtf8(bytes)).equal(`{"cid":"${cid}","e":1,"h":1,"t":"FINALIZE","v":2,"x":"${xA}"}`);
  });

  it('are accepted with q = 3 of 4, and with all 4', () => {
    expect(verifyCertificate(good, epoch.context)).equal(true);
    const all = epoch.certificate('FINALIZE', 2, xA, [0, 1, 2, 3]);
    expect(verifyCertificate(all, epoch.context)).equal(true);
  });

  it('are refused when anything about them is otherwise', () => {
    const [first, second, third] = good.sigs;
    const bad: Record<string, Certificate> = {
      'one short': { ...good, sigs: [first!, second!] },
      'one twice': { ...good, sigs: [first!, first!, second!] },
      'out of order': { ...good, sigs: [second!, first!, third!] },
      'another signer': { ...good, sigs: [first!, second!, [3, third![1]]] },
      'no such member': { ...good, sigs: [first!, second!, [4, third![1]]] },
      'another height': { ...good, h: 2 },
      'another view': { ...good, v: 3 },
      'another value': { ...good, x: xB },
      'another kind': { ...good, kind: 'NOTARIZE' },
      'a value to nullify': { ...good, kind: 'NULLIFY' },
      'forged signature': { ...good, sigs: [first!, second!, [2, first![1]]] },
    };
    for (const [name, certificate] of Object.entries(bad)) {
      expect(verifyCertificate(certificate, epoch.context), name).equal(false);
    }
    expect(verifyCertificate(good, { ...epoch.context, epoch: 2 }), 'epoch').equal(false);
    expect(verifyCertificate(good, { ...epoch.context, cid: previous }), 'cid').equal(false);
    const strangers = epoch.context.members.toReversed();
    expect(verifyCertificate(good, { ...epoch.context, members: strangers })).equal(false);
  });

  it('are read from their JSON form and from no other', () => {
    expect(readCertificate(JSON.parse(JSON.stringify(good)))).deep.equal(good);
    const noValue = { kind: good.kind, h: good.h, v: good.v, sigs: good.sigs };
    for (const bad of [null, {}, noValue, { ...good, extra: 1 }, { ...good, kind: 'NULLIFY' }]) {
      expect(() => readCertificate(bad), JSON.stringify(bad)).throw();
    }
  });
});

describe('chains', () => {
  const nota = epoch.certificate('NOTARIZE', 1, xA);
  const nulls = epoch.nulls(4).nulls;

  it('justify the first view with nothing, later ones without a gap', () => {
    const good: [number, Chain][] = [
      [0, emptyChain],
      [4, { nota: null, nulls }],
      [2, { nota, nulls: [] }],
      [4, { nota, nulls: nulls.slice(2) }],
    ];
    for (const [view, chain] of good) {
      expect(verifyChain(chain, 1, view, epoch.context), `view ${view}`).equal(true);
    }
  });

  it('are refused with a gap, a repetition, a wrong end, kind or height', () => {
    const short = epoch.certificate('NULLIFY', 3, undefined, [0, 1]);
    const bad: [string, number, Chain][] = [
      ['nothing', 1, emptyChain],
      ['too long', 3, { nota: null, nulls }],
      ['too short', 5, { nota: null, nulls }],
      ['gap', 4, { nota: null, nulls: [nulls[0]!, nulls[1]!, nulls[3]!] }],
      ['gap filled by a repetition', 4, { nota: null, nulls: [0, 1, 1, 3].map((v) => nulls[v]!) }],
      ['out of order', 4, { nota: null, nulls: [1, 0, 2, 3].map((v) => nulls[v]!) }],
      ['gap after the notarization', 4, { nota, nulls: [nulls[3]!] }],
      ['overlap', 4, { nota, nulls: nulls.slice(1) }],
      ['finalization as notarization', 3, { nota: good, nulls: [] }],
      ['notarization as nullification', 2, { nota: null, nulls: [nulls[0]!, nota] }],
      ['no quorum', 4, { nota: null, nulls: [...nulls.slice(0, 3), short] }],
    ];
    for (const [name, view, chain] of bad) {
      expect(verifyChain(chain, 1, view, epoch.context), name).equal(false);
    }
    expect(verifyChain({ nota: null, nulls }, 2, 4, epoch.context), 'height').equal(false);
  });
});
