import { expect } from 'chai';

import {
  readCertificate,
  verifyCertificate,
  verifyChain,
  type Certificate,
  type Chain,
} from '../../src/wire/index.ts';
import { statementBytes } from '../../src/wire/certificate.ts';
import { fromUtf8 } from '../../src/base/index.ts';
import { emptyChain, Epoch, previous, xA, xB } from '../consensus/fixture.ts';

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

describe('nullifications', () => {
  const nulli = epoch.certificate('NULLIFY', 4, undefined, [0, 1, 2], 1);

  it('carry what each signer gives up, and are signed with it', () => {
    expect(verifyCertificate(nulli, epoch.context)).equal(true);
    const votes = [0, 1, 2].map((i) => epoch.vote('NULLIFY', 4, undefined, i, i - 1));
    const mixed = {
      ...({ kind: 'NULLIFY', h: 1, v: 4, p: [-1, 0, 1] } as const),
      sigs: votes.map(({ i, sig }) => [i, sig] as const),
    };
    expect(verifyCertificate(mixed, epoch.context)).equal(true);
    const bad: Record<string, Certificate> = {
      'another view behind': { ...nulli, p: [1, 1, 0] },
      'one short': { ...nulli, p: [1, 1] },
      'nothing given up': epoch.certificate('NULLIFY', 4, undefined, [0, 1, 2], 4),
    };
    for (const [name, certificate] of Object.entries(bad)) {
      expect(verifyCertificate(certificate, epoch.context), name).equal(false);
    }
    expect(() => readCertificate({ ...nulli, p: [1] })).throw();
    expect(() => readCertificate({ ...good, p: [1, 1, 1] })).throw();
  });
});

describe('suspended members', () => {
  // n = 5: q = 4; without L4 n = 4, q = 3.
  const five = new Epoch(5, 7);
  const context = { ...five.context, suspendedFrom: new Map([[4, 7]]) };

  it('have no vote from their height on, and n and q are those of the rest', () => {
    const three = five.certificate('FINALIZE', 0, xA, [0, 1, 2]);
    expect(verifyCertificate(three, five.context)).equal(false);
    expect(verifyCertificate(three, context)).equal(true);
    const withHim = five.certificate('FINALIZE', 0, xA, [0, 1, 2, 4]);
    expect(verifyCertificate(withHim, context)).equal(false);
    expect(verifyCertificate(withHim, five.context)).equal(true);
    expect(verifyCertificate(withHim, { ...context, suspendedFrom: new Map([[4, 8]]) })).equal(
      true,
    );
  });
});

describe('chains', () => {
  const nota = epoch.certificate('NOTARIZE', 1, xA);
  const nulli = epoch.certificate('NULLIFY', 3);

  it('justify the first view with nothing, later ones with two certificates at most', () => {
    const good: [number, Chain][] = [
      [0, emptyChain],
      [4, { nota: null, nulli }],
      [2, { nota, nulli: null }],
      [4, { nota, nulli }],
      [4, { nota, nulli: epoch.certificate('NULLIFY', 3, undefined, undefined, 1) }],
      [1_000, { nota, nulli: epoch.certificate('NULLIFY', 999, undefined, undefined, 0) }],
    ];
    for (const [view, chain] of good) {
      expect(verifyChain(chain, 1, view, epoch.context), `view ${view}`).equal(true);
    }
  });

  it('are refused with a gap, a wrong end, kind or height', () => {
    const short = epoch.certificate('NULLIFY', 3, undefined, [0, 1]);
    const bad: [string, number, Chain][] = [
      ['nothing', 1, emptyChain],
      ['too long', 3, { nota: null, nulli }],
      ['too short', 5, { nota: null, nulli }],
      [
        'gap behind the first view',
        4,
        { nota: null, nulli: epoch.certificate('NULLIFY', 3, undefined, undefined, 0) },
      ],
      [
        'gap after the notarization',
        4,
        { nota, nulli: epoch.certificate('NULLIFY', 3, undefined, undefined, 2) },
      ],
      ['nothing to skip', 2, { nota, nulli: epoch.certificate('NULLIFY', 1) }],
      ['notarization ahead', 1, { nota, nulli: epoch.certificate('NULLIFY', 0) }],
      ['finalization as notarization', 3, { nota: good, nulli: null }],
      ['notarization as nullification', 2, { nota: null, nulli: nota }],
      ['no quorum', 4, { nota: null, nulli: short }],
    ];
    for (const [name, view, chain] of bad) {
      expect(verifyChain(chain, 1, view, epoch.context), name).equal(false);
    }
    expect(verifyChain({ nota: null, nulli }, 2, 4, epoch.context), 'height').equal(false);
  });
});
