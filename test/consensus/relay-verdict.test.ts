/** What a member passes on of messages that carry no signature of their own. n = 4, q = 3. */
import { expect } from 'chai';
import { base64 } from '../../src/base/index.ts';
import type { ConsensusMessage } from '../../src/consensus/index.ts';
import type { Certificate, Chain, Verdict } from '../../src/wire/index.ts';
import { Bench, bodyA, cid, emptyChain, Epoch, xA, xB } from './fixture.ts';

const epoch = new Epoch();
const voter = [0, 1, 2, 3].find((i) => i !== epoch.leader(0) && i !== epoch.leader(1))!;
const common = { cid, e: 1, h: 1 };

/** The same certificate with one vote by another hand. */
function forged(certificate: Certificate): Certificate {
  const [first, second, ...rest] = certificate.sigs;
  return { ...certificate, sigs: [[first![0], second![1]], second!, ...rest] };
}

describe('what is passed on before it is acted upon', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench(epoch, voter);
  });

  const cert = (certificate: Certificate): Verdict =>
    bench.machine.relayVerdict({ ...common, t: 'CERT', cert: certificate });
  const view = (v: number, chain: Chain, h = 1): Verdict =>
    bench.machine.relayVerdict({ ...common, h, t: 'VIEW', v, chain });

  it('is a certificate that holds, while it is news, and never one that does not', () => {
    const nota = epoch.certificate('NOTARIZE', 0, xA);
    const nulli = epoch.certificate('NULLIFY', 0);
    for (const one of [nota, nulli, epoch.certificate('FINALIZE', 0, xA)]) {
      expect(cert(one), one.kind).equal('accept');
      expect(cert(forged(one)), `${one.kind}, a false vote`).equal('reject');
      expect(cert({ ...one, v: 1 }), `${one.kind} of another view`).equal('reject');
    }
    const [a, b] = epoch.others();
    expect(cert(epoch.certificate('NOTARIZE', 0, xA, [a!, b!])), 'two of three').equal('reject');
    bench.hear({ ...common, t: 'CERT', cert: nota });
    expect(bench.machine.view).equal(1);
    expect(cert(nota), 'known').equal('ignore');
    expect(cert(nulli), 'of a view that is over').equal('ignore');
  });

  it('is no certificate of another height, or of a view too far ahead', () => {
    const ahead = new Epoch(4, 2);
    ahead.absent = voter;
    const later = ahead.certificate('NOTARIZE', 0, xA);
    const message = { ...common, h: 2, t: 'CERT', cert: later } as const;
    expect(bench.machine.relayVerdict(message)).equal('ignore');
    expect(bench.machine.relayVerdict({ ...message, h: 1 })).equal('ignore');
    expect(cert(epoch.certificate('NOTARIZE', 1_001, xA))).equal('ignore');
  });

  it('is a view whose chain leads there, while it is news', () => {
    expect(view(3, epoch.nulls(3))).equal('accept');
    expect(view(3, epoch.nulls(2)), 'the chain of another view').equal('reject');
    expect(view(3, emptyChain), 'no chain').equal('reject');
    const nulli = forged(epoch.certificate('NULLIFY', 2));
    expect(view(3, { nota: null, nulli }), 'a false vote').equal('reject');
    expect(view(3, epoch.nulls(3), 2), 'of a later height').equal('ignore');
    expect(view(1_001, emptyChain), 'too far').equal('ignore');
    bench.hear({ ...common, t: 'VIEW', v: 3, chain: epoch.nulls(3) });
    expect(view(3, epoch.nulls(3)), 'where this node is').equal('ignore');
    const nota = epoch.certificate('NOTARIZE', 0, xA);
    expect(view(1, { nota, nulli: null }), 'behind, but with a higher notarization').equal(
      'accept',
    );
    expect(view(1, { nota: forged(nota), nulli: null })).equal('reject');
  });

  it('is evidence that convicts, once', () => {
    const [a, b] = epoch.others();
    const pairOf = (i: number, x = xB): Extract<ConsensusMessage, { t: 'EVIDENCE' }> => ({
      ...{ ...common, t: 'EVIDENCE' },
      pair: {
        kind: 'two_notarizations',
        a: { ...epoch.vote('NOTARIZE', 5, xA, i), t: 'NOTARIZE' },
        b: { ...epoch.vote('NOTARIZE', 5, x, i), t: 'NOTARIZE' },
      },
    });
    expect(bench.machine.relayVerdict(pairOf(a!))).equal('accept');
    expect(bench.machine.relayVerdict(pairOf(a!, xA)), 'twice the same vote').equal('reject');
    bench.hear(pairOf(a!), b);
    expect(bench.machine.relayVerdict(pairOf(a!)), 'known').equal('ignore');
    expect(bench.machine.relayVerdict(pairOf(b!))).equal('accept');
  });

  it('is nothing that is said to one member only', () => {
    const final = epoch.certificate('FINALIZE', 0, xA);
    const direct: ConsensusMessage[] = [
      { ...common, t: 'GETBODY', x: xA },
      { ...common, t: 'BODY', body: base64(bodyA) },
      { ...common, t: 'DECIDED', body: base64(bodyA), cert: final },
      { ...common, t: 'RECALLED', n: 1, votes: [] },
    ];
    for (const message of direct) {
      expect(bench.machine.relayVerdict(message), message.t).equal('ignore');
    }
    const told: ConsensusMessage[] = [
      { ...common, t: 'STATUS', v: 0 },
      { ...common, t: 'RECALL', n: 1 },
    ];
    for (const message of told) {
      expect(bench.machine.relayVerdict(message), message.t).equal('accept');
    }
  });

  it('is checked once, whoever tells it', () => {
    let checks = 0;
    const counted = new Bench(epoch, voter, [], {
      verify: (...signed) => {
        checks += 1;
        return epoch.context.members.some(({ publicKey }) => publicKey === signed[0]);
      },
    });
    const message = { ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) } as const;
    for (let k = 0; k < 5; k++) expect(counted.machine.relayVerdict(message)).equal('accept');
    counted.hear(message, epoch.others()[0]);
    expect(counted.machine.view).equal(1);
    expect(checks).equal(3);
  });
});
