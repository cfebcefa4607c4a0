import { expect } from 'chai';

import { base64, utf8, type NodeId } from '../../src/base/index.ts';
import {
  ConsensusError,
  decodeMessage,
  encodeMessage,
  evidenceBetween,
  verifyEvidence,
  type Certificate,
  type Chain,
  type Effect,
} from '../../src/consensus/index.ts';
import { Bench, bodyA, bodyB, cid, emptyChain, Epoch, previous, xA, xB } from './fixture.ts';

const epoch = new Epoch();
const leader = epoch.leader(0);
const others = [0, 1, 2, 3].filter((i) => i !== leader);
/** A member that leads neither view 0 nor view 1. */
const voter = others.find((i) => i !== epoch.leader(1))!;
const common = { cid, e: 1, h: 1 };

describe('Simplex/H, rule by rule (n = 4, q = 3, f = 1)', () => {
  describe('R1: entering a view', () => {
    it('has the leader persist its proposal before it leaves, and notarize it', () => {
      const bench = new Bench(epoch, leader);
      expect(kinds(bench.effects)).deep.equal([
        'broadcast STATUS',
        'persist PROPOSE',
        'broadcast PROPOSE',
        'persist NOTARIZE',
        'broadcast NOTARIZE',
        'setTimer view/1/0',
        'setTimer resend',
      ]);
    });

    it('arms the timer of view 0 only when a decision is due', () => {
      const bench = new Bench(epoch, voter);
      expect(bench.of('setTimer').map((e) => e.id)).include('view/1/0');
      const idle = new Bench(epoch, voter, [], {
        application: {
          prevBodyDigest: () => previous,
          isDue: () => false,
          propose: () => null,
          judge: () => 'wait',
        },
      });
      expect(idle.of('setTimer').map((e) => e.id)).deep.equal(['resend']);
    });

    it('arms it as soon as the application says so, and only once', () => {
      const bench = new Bench(epoch, voter);
      expect(bench.appChanged().of('setTimer')).deep.equal([]);
    });

    it('gives view v the time min(Tmax, T0 * 1.5^v)', () => {
      const bench = new Bench(epoch, voter);
      expect(bench.of('setTimer').find((e) => e.id === 'view/1/0')?.delayMs).equal(10_000);
      bench.hear({
        ...common,
        t: 'CERT',
        cert: epoch.certificate('NULLIFY', 0, undefined, others),
      });
      expect(bench.of('clearTimer')).deep.equal([{ kind: 'clearTimer', id: 'view/1/0' }]);
      expect(bench.of('setTimer').find((e) => e.id === 'view/1/1')?.delayMs).equal(15_000);
    });

    it('lets a leader with nothing to propose be asked again when the application changed', () => {
      const second = new Bench(epoch, epoch.leader(1));
      second.offer = null;
      second.hear({ ...common, t: 'VIEW', v: 1, chain: epoch.nulls(1) }, leader);
      expect(second.words()).deep.equal([]);
      second.offer = bodyB;
      expect(second.appChanged().words()).deep.equal(['PROPOSE/1', 'NOTARIZE/1']);
    });

    it('makes a later leader propose the notarized value again, not its own', () => {
      const bench = new Bench(epoch, epoch.leader(1));
      bench.offer = bodyB;
      bench.hear(epoch.proposal(0, bodyA));
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
      const proposal = bench.said().find((message) => message.t === 'PROPOSE');
      expect(proposal).include({ v: 1, x: xA, p: 0 });
    });

    it('fetches the body of a notarized value it never saw before proposing it again', () => {
      const bench = new Bench(epoch, epoch.leader(1));
      bench.offer = bodyB;
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
      expect(bench.words()).not.include('PROPOSE/1');
      const asked = bench.sent().filter(({ message }) => message.t === 'GETBODY');
      expect(asked.length).equal(2); // f + 1: one of them is honest and has it
      bench.hear({ ...common, t: 'BODY', body: base64(bodyA) });
      expect(bench.said().find((message) => message.t === 'PROPOSE')).include({ v: 1, x: xA });
    });
  });

  describe('R2: on a proposal', () => {
    it('persists NOTARIZE with the body before it leaves', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      expect(kinds(bench.effects)).deep.equal(['persist NOTARIZE', 'broadcast NOTARIZE']);
      expect(bench.log[0]).include({ t: 'NOTARIZE', v: 0, x: xA, body: base64(bodyA) });
    });

    it('notarizes once per view and convicts a leader of two proposals', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      bench.hear(epoch.proposal(0, bodyB));
      expect(bench.words()).deep.equal(['EVIDENCE']);
      expect(bench.of('evidence')).lengthOf(1);
      expect(bench.of('evidence')[0]).include({ culprit: `L${leader}` });
      expect(bench.of('evidence')[0]?.pair.kind).equal('two_proposals');
    });

    it('refuses a proposal out of turn, with a forged signature, body or chain', () => {
      const good = epoch.proposal(0, bodyA);
      const flaws = {
        turn: epoch.proposal(0, bodyA, emptyChain, voter),
        signature: { ...good, sig: epoch.proposal(0, bodyB).sig },
        body: { ...good, body: base64(bodyB) },
        chain: { ...good, chain: { nota: null, nulls: [epoch.certificate('NULLIFY', 0)] } },
        height: { ...new Epoch(4, 2).proposal(0, bodyA, emptyChain, leader), h: 1 },
      };
      for (const [name, proposal] of Object.entries(flaws)) {
        const bench = new Bench(
          epoch,
          others.find((i) => i !== voter)!,
        ).hear(proposal);
        expect(bench.words(), name).deep.equal([]);
        expect(bench.of('refused'), name).lengthOf(1);
        expect(bench.of('evidence'), name).deep.equal([]);
      }
    });

    it('convicts the leader whose chain has a gap, a wrong kind or another value', () => {
      const flawed: Record<string, () => Chain> = {
        gap: () => ({ nota: null, nulls: [epoch.certificate('NULLIFY', 1)] }),
        'wrong kind': () => ({ nota: epoch.certificate('FINALIZE', 0, xA), nulls: [] }),
        'another value': () => ({ nota: epoch.certificate('NOTARIZE', 0, xA), nulls: [] }),
        nothing: () => emptyChain,
      };
      for (const [name, chain] of Object.entries(flawed)) {
        const view = name === 'gap' ? 2 : 1;
        const bench = new Bench(
          epoch,
          [0, 1, 2, 3].find((i) => i !== epoch.leader(view))!,
        );
        bench.hear(epoch.proposal(view, bodyB, chain()));
        expect(bench.machine.view, name).equal(0);
        expect(bench.of('evidence')[0]?.pair.kind, name).equal('bad_justification');
      }
    });

    it('adopts the chain of a proposal from a later view and enters it', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(1, bodyB, epoch.nulls(1)));
      expect(bench.machine.view).equal(1);
      expect(bench.words()).include('NOTARIZE/1');
    });

    it('does not ask the application about a value that was notarized before', () => {
      const bench = new Bench(epoch, voter);
      bench.judgement = 'reject';
      const chain = { nota: epoch.certificate('NOTARIZE', 0, xA), nulls: [] };
      expect(bench.hear(epoch.proposal(1, bodyA, chain)).words()).include('NOTARIZE/1');
    });

    it('keeps a proposal that must wait and asks again after appChanged', () => {
      const bench = new Bench(epoch, voter);
      bench.judgement = 'wait';
      expect(bench.hear(epoch.proposal(0, bodyA)).words()).deep.equal([]);
      expect(bench.appChanged().words()).deep.equal([]);
      bench.judgement = 'accept';
      expect(bench.appChanged().words()).deep.equal(['NOTARIZE/0']);
    });

    it('may notarize after its own NULLIFY of the view', () => {
      const bench = new Bench(epoch, voter).timeout();
      expect(bench.words()).deep.equal(['NULLIFY/0']);
      expect(bench.hear(epoch.proposal(0, bodyA)).words()).deep.equal(['NOTARIZE/0']);
    });
  });

  describe('R3: on a notarization', () => {
    it('persists FINALIZE with the certificate, tells it and goes on to the next view', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      const [a, b] = others.filter((i) => i !== voter).concat(leader);
      bench.hear(epoch.vote('NOTARIZE', 0, xA, a!));
      expect(bench.words()).deep.equal([]);
      bench.hear(epoch.vote('NOTARIZE', 0, xA, b!));
      expect(kinds(bench.effects).slice(0, 3)).deep.equal([
        'broadcast CERT',
        'persist FINALIZE',
        'broadcast FINALIZE',
      ]);
      const record = bench.log.at(-1);
      expect(record?.t === 'FINALIZE' && record.cert.sigs.length).equal(3);
      expect(bench.machine.view).equal(1);
    });

    it('never finalizes a view that it nullified', () => {
      const bench = new Bench(epoch, voter).timeout();
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
      expect(bench.words().filter((word) => word.startsWith('FINALIZE'))).deep.equal([]);
      expect(bench.machine.view).equal(1);
    });

    it('finalizes a view long left when its notarization arrives late', () => {
      const bench = new Bench(epoch, voter);
      bench.hear({ ...common, t: 'VIEW', v: 3, chain: epoch.nulls(3) });
      expect(bench.machine.view).equal(3);
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 1, xA) });
      expect(bench.words()).include('FINALIZE/1');
      expect(bench.machine.view).equal(3);
    });

    it('does not count one member twice, nor votes for different values together', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      const other = others.find((i) => i !== voter)!;
      bench.hear(epoch.vote('NOTARIZE', 0, xA, other)).hear(epoch.vote('NOTARIZE', 0, xA, other));
      bench.hear(epoch.vote('NOTARIZE', 0, xB, leader));
      expect(bench.machine.view).equal(0);
    });
  });

  describe('R4: giving up a view', () => {
    it('nullifies when the timer runs out, once', () => {
      const bench = new Bench(epoch, voter).timeout();
      expect(kinds(bench.effects)).deep.equal(['persist NULLIFY', 'broadcast NULLIFY']);
      expect(bench.timeout().words()).deep.equal([]);
    });

    it('ignores the timer of a view already left', () => {
      const bench = new Bench(epoch, voter);
      bench.hear({ ...common, t: 'VIEW', v: 1, chain: epoch.nulls(1) });
      const effects = bench.machine.step({ kind: 'timer', id: 'view/1/0' });
      expect(effects).deep.equal([]);
    });

    it('nullifies when the application rejects the proposal', () => {
      const bench = new Bench(epoch, voter);
      bench.judgement = 'reject';
      expect(bench.hear(epoch.proposal(0, bodyA)).words()).deep.equal(['NULLIFY/0']);
    });

    it('joins f+1 = 2 others that gave up, and not fewer', () => {
      const [a, b] = others.filter((i) => i !== voter).concat(leader);
      const bench = new Bench(epoch, voter).hear(epoch.vote('NULLIFY', 0, undefined, a!));
      expect(bench.words()).deep.equal([]);
      expect(bench.hear(epoch.vote('NULLIFY', 0, undefined, b!)).words()).include('NULLIFY/0');
    });

    it('never nullifies a view that it finalized, even after a restart', () => {
      const before = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      before.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
      const after = new Bench(epoch, voter, before.log);
      expect(after.machine.view).equal(1);
      for (const i of [0, 1, 2, 3].filter((one) => one !== voter)) {
        after.hear(epoch.vote('NULLIFY', 0, undefined, i));
        expect(after.words()).not.include('NULLIFY/0');
      }
    });
  });

  describe('R5: on a nullification', () => {
    it('tells the certificate and enters the next view with the chain grown by it', () => {
      const bench = new Bench(epoch, voter).timeout();
      const [a, b] = others.filter((i) => i !== voter).concat(leader);
      bench.hear(epoch.vote('NULLIFY', 0, undefined, a!));
      bench.hear(epoch.vote('NULLIFY', 0, undefined, b!));
      expect(bench.words()).include('CERT');
      expect(bench.machine.view).equal(1);
      const view = bench
        .resend()
        .said()
        .find((message) => message.t === 'VIEW');
      expect(view?.t === 'VIEW' && view.chain.nulls.map((cert) => cert.v)).deep.equal([0]);
    });

    it('keeps a nullification of a later view until that view is reached', () => {
      const bench = new Bench(epoch, voter);
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NULLIFY', 1) });
      expect(bench.machine.view).equal(0);
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NULLIFY', 0) });
      expect(bench.machine.view).equal(2);
    });
  });

  describe('R6: deciding', () => {
    it('persists the decision before the application hears of it, then starts the next height', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      const cert = epoch.certificate('FINALIZE', 0, xA);
      bench.hear({ ...common, t: 'CERT', cert });
      expect(kinds(bench.effects).slice(0, 2)).deep.equal(['persist DEC', 'decide 1']);
      expect(bench.of('decide')[0]).deep.include({ height: 1, body: bodyA, certificate: cert });
      expect([bench.machine.height, bench.machine.view]).deep.equal([2, 0]);
    });

    it('fetches a body that it never saw', () => {
      const bench = new Bench(epoch, voter);
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('FINALIZE', 0, xA) });
      expect(bench.of('decide')).deep.equal([]);
      expect(bench.sent().map(({ message }) => message.t)).include('GETBODY');
      bench.hear({ ...common, t: 'BODY', body: base64(bodyB) });
      expect(bench.of('decide')).deep.equal([]);
      bench.hear({ ...common, t: 'BODY', body: base64(bodyA) });
      expect(bench.of('decide')).lengthOf(1);
    });

    it('believes DECIDED and the decided event only with a quorum for that very body', () => {
      epoch.absent = voter;
      const cert = epoch.certificate('FINALIZE', 0, xA);
      const bad = [
        { body: bodyB, cert },
        { body: bodyA, cert: epoch.certificate('FINALIZE', 0, xA, others.slice(0, 2)) },
        { body: bodyA, cert: epoch.certificate('NOTARIZE', 0, xA) },
        { body: bodyA, cert: { ...cert, h: 2 } },
        { body: bodyA, cert: { ...new Epoch(4, 2).certificate('FINALIZE', 0, xA), h: 1 } },
      ];
      for (const [at, { body, cert: certificate }] of bad.entries()) {
        const bench = new Bench(epoch, voter);
        bench.hear({ ...common, t: 'DECIDED', body: base64(body), cert: certificate });
        bench.machine.step({ kind: 'decided', height: 1, body, certificate });
        expect(bench.machine.height, `case ${at}`).equal(1);
      }
      const bench = new Bench(epoch, voter);
      bench.machine.step({ kind: 'decided', height: 1, body: bodyA, certificate: cert });
      expect(bench.machine.height).equal(2);
    });
  });

  describe('R7: helping those behind', () => {
    const decision = (): Certificate => epoch.certificate('FINALIZE', 0, xA);

    it('answers a STATUS of a decided height with the decision', () => {
      const bench = new Bench(epoch, voter);
      const cert = decision();
      bench.hear({ ...common, t: 'DECIDED', body: base64(bodyA), cert }, leader);
      expect(bench.sent()[0]).deep.include({ to: `L${leader}` });
      bench.hear({ ...common, t: 'STATUS', v: 0 }, others[0]);
      expect(bench.sent()[0]?.message).deep.include({ t: 'DECIDED', h: 1, cert });
    });

    it('asks for a decision that it no longer remembers, and answers once it is told', () => {
      const bench = new Bench(epoch, voter);
      const cert = decision();
      bench.hear({ ...common, t: 'DECIDED', body: base64(bodyA), cert }, leader);
      const from = `L${others[0]}` as NodeId;
      bench.hear({ ...common, h: 0, t: 'STATUS', v: 0 }, others[0]);
      expect(bench.sent()).deep.equal([]);
      expect(bench.of('findDecision')).deep.equal([
        { kind: 'findDecision', height: 0, from, theirs: null },
      ]);
      const told = { kind: 'foundDecision', height: 0, from, theirs: null, body: bodyB } as const;
      const old = { ...cert, h: 0 };
      bench.effects = bench.machine.step({ ...told, certificate: old });
      const answer = { t: 'DECIDED', h: 0, cert: old, body: base64(bodyB) };
      expect(bench.sent()[0]?.message).deep.include(answer);
    });

    it('answers a STATUS of a lower view with VIEW, of an equal one with nothing', () => {
      const bench = new Bench(epoch, voter);
      bench.hear({ ...common, t: 'VIEW', v: 2, chain: epoch.nulls(2) });
      expect(bench.hear({ ...common, t: 'STATUS', v: 1 }).sent()[0]?.message).include({ v: 2 });
      expect(bench.hear({ ...common, t: 'STATUS', v: 2 }).sent()).deep.equal([]);
    });

    it('asks at most f+1 of those ahead, and keeps what belongs to the next height', () => {
      const next = new Epoch(4, 2);
      const bench = new Bench(epoch, voter);
      const asked = [0, 1, 2, 3].flatMap((i) =>
        bench.hear(next.vote('NULLIFY', 0, undefined, i), i).sent(),
      );
      expect(asked.map(({ message }) => message.t)).deep.equal(['STATUS', 'STATUS']);
      bench.hear({ ...common, t: 'DECIDED', body: base64(bodyA), cert: decision() }, leader);
      // The NULLIFY of three others were waiting: q = 3 of them end view 0 of height 2 at once.
      expect([bench.machine.height, bench.machine.view]).deep.equal([2, 1]);
    });

    it('says its votes again on every resend, at doubling intervals of +-50 %', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA)).timeout();
      for (const baseMs of [4_000, 8_000, 16_000, 30_000, 30_000]) {
        expect(bench.resend().words()).deep.equal(['NOTARIZE/0', 'NULLIFY/0', 'STATUS/0']);
        const delayMs = bench.of('setTimer').find((e) => e.id === 'resend')!.delayMs;
        expect(delayMs, String(baseMs)).within(baseMs * 0.5, baseMs * 1.5);
      }
    });

    it('gives one peer no more than its share of answers', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      const ask = { ...common, t: 'GETBODY', x: xA } as const;
      let answers = 0;
      for (let k = 0; k < 100; k++) answers += bench.hear(ask).sent().length;
      expect(answers).equal(32);
    });
  });
});

describe('a member that breaks the rules', () => {
  it('is convicted by each pair of votes that no honest member signs', () => {
    const liar = leader;
    const pairs = [
      [
        'two_notarizations',
        epoch.vote('NOTARIZE', 0, xA, liar),
        epoch.vote('NOTARIZE', 0, xB, liar),
      ],
      [
        'two_finalizations',
        epoch.vote('FINALIZE', 0, xA, liar),
        epoch.vote('FINALIZE', 0, xB, liar),
      ],
      [
        'nullify_and_finalize',
        epoch.vote('NULLIFY', 0, undefined, liar),
        epoch.vote('FINALIZE', 0, xA, liar),
      ],
      [
        'nullify_and_finalize',
        epoch.vote('FINALIZE', 0, xA, liar),
        epoch.vote('NULLIFY', 0, undefined, liar),
      ],
    ] as const;
    for (const [kind, a, b] of pairs) {
      const bench = new Bench(epoch, voter).hear(a).hear(b);
      expect(bench.of('evidence')[0]?.pair.kind, kind).equal(kind);
      const [told] = bench.said();
      const other = new Bench(
        epoch,
        others.find((i) => i !== voter)!,
      ).hear(told!);
      expect(other.of('evidence'), `${kind} told`).lengthOf(1);
      expect(other.hear(told!).of('evidence'), `${kind} again`).lengthOf(0);
    }
  });

  it('is convicted by what stands inside two certificates', () => {
    const bench = new Bench(epoch, voter);
    const members = [0, 1, 2, 3].filter((i) => i !== voter);
    bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('FINALIZE', 0, xA, members) });
    bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NULLIFY', 0, undefined, members) });
    // 2q - n = 2 would suffice for f + 1; here all three signed both.
    expect(bench.of('evidence').map((e) => e.culprit)).deep.equal(members.map((i) => `L${i}`));
  });

  it('gains nothing from votes for far views, other heights, epochs or consortia', () => {
    const bench = new Bench(epoch, voter);
    const far = epoch.vote('NULLIFY', 1_001, undefined, leader);
    expect(bench.hear(far).effects).deep.equal([]);
    expect(bench.hear(epoch.vote('NULLIFY', 1_000, undefined, leader)).of('refused')).deep.equal(
      [],
    );
    for (const change of [{ e: 2 }, { cid: previous }, { sig: far.sig }, { i: 7 }]) {
      const vote = { ...epoch.vote('NULLIFY', 0, undefined, leader), ...change };
      expect(bench.hear(vote, leader).of('refused'), JSON.stringify(change)).lengthOf(1);
    }
    const replayed = { ...new Epoch(4, 2).vote('NULLIFY', 0, undefined, leader), h: 1 };
    expect(bench.hear(replayed).of('refused')).lengthOf(1);
    const stranger = { kind: 'message', from: 'L9' as never, bytes: encodeMessage(far) } as const;
    expect(bench.machine.step(stranger)).deep.include({
      ...{ kind: 'refused', from: 'L9', reason: 'not a member' },
    });
  });

  it('cannot pass off a certificate without a quorum', () => {
    const bench = new Bench(epoch, voter);
    bench.hear({
      ...common,
      t: 'CERT',
      cert: epoch.certificate('NULLIFY', 0, undefined, epoch.others().slice(0, 2)),
    });
    expect(bench.of('refused')).lengthOf(1);
    expect(bench.machine.view).equal(0);
  });
});

describe('more liars than f', () => {
  it('may break agreement, and then f+1 = 2 of them stand convicted', () => {
    const [honestA, honestB, liar] = [others[0]!, others[1]!, others[2]!];
    const decideAt = (self: number, body: typeof bodyA): Bench => {
      const x = body === bodyA ? xA : xB;
      const bench = new Bench(epoch, self).hear(epoch.proposal(0, body));
      for (const kind of ['NOTARIZE', 'FINALIZE'] as const) {
        for (const i of [leader, liar]) bench.hear(epoch.vote(kind, 0, x, i));
      }
      return bench;
    };
    const a = decideAt(honestA, bodyA);
    const b = decideAt(honestB, bodyB);
    const [certA, certB] = [a, b].map((bench) => bench.of('decide')[0]!.certificate);
    expect([certA!.x, certB!.x]).deep.equal([xA, xB]);
    const pairs = evidenceBetween(certA!, certB!, epoch.context);
    const culprits = pairs.map((pair) => verifyEvidence(pair, epoch.context));
    expect(culprits).deep.equal([leader, liar].sort((x, y) => x - y));
    a.hear({ ...common, t: 'DECIDED', body: base64(bodyB), cert: certB! }, honestB);
    expect(a.of('evidence')).lengthOf(2);
    expect(a.of('halt')).lengthOf(1);
    expect(a.hear({ ...common, t: 'DECIDED', body: base64(bodyA), cert: certA! }).effects).lengthOf(
      0,
    );
  });
});

describe('a restart from the write-ahead log', () => {
  it('says the same again and signs nothing new', () => {
    const before = new Bench(epoch, leader);
    const after = new Bench(epoch, leader, before.log);
    expect(after.log).deep.equal([]);
    expect(after.words()).deep.equal(['PROPOSE/0', 'NOTARIZE/0', 'STATUS/0']);
    expect(after.said()[0]).deep.equal(before.said().find((message) => message.t === 'PROPOSE'));
  });

  it('does not notarize another value in a view where it notarized one', () => {
    const before = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
    const after = new Bench(epoch, voter, before.log).hear(epoch.proposal(0, bodyB));
    expect(after.words()).deep.equal([]);
  });

  it('counts its own old votes again', () => {
    const before = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
    const after = new Bench(epoch, voter, before.log);
    const [a, b] = [0, 1, 2, 3].filter((i) => i !== voter);
    after.hear(epoch.vote('NOTARIZE', 0, xA, a!)).hear(epoch.vote('NOTARIZE', 0, xA, b!));
    expect(after.words()).include('FINALIZE/0');
  });

  it('still has the body it notarized', () => {
    const before = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
    const after = new Bench(epoch, voter, before.log);
    after.hear({ ...common, t: 'GETBODY', x: xA });
    expect(after.sent()[0]?.message).include({ t: 'BODY', body: base64(bodyA) });
  });

  it('still has the notarization under its FINALIZE, and says FINALIZE again', () => {
    const before = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
    before.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
    const after = new Bench(epoch, voter, before.log).resend();
    expect(after.words()).include.members(['FINALIZE/0', 'VIEW/1']);
  });

  it('decides again what was decided but perhaps not applied, and goes on', () => {
    const before = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
    before.hear({ ...common, t: 'CERT', cert: epoch.certificate('FINALIZE', 0, xA) });
    const after = new Bench(epoch, voter, before.log);
    expect(after.of('decide')).lengthOf(1);
    expect(after.of('persist')).deep.equal([]);
    expect(after.machine.height).equal(2);
  });

  it('refuses records of another key, consortium or a height without the decision before', () => {
    const { log } = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
    const record = log[0]!;
    const foreign = [
      { ...record, cid: previous },
      { ...record, e: 2 },
      { ...record, i: leader } as typeof record,
      { ...record, h: 2 },
    ];
    for (const one of foreign) {
      expect(() => new Bench(epoch, voter, [one]))
        .throw(ConsensusError)
        .include({ code: 'foreign_record' });
    }
  });

  it('halts when peers show a vote of its key that its log does not have', () => {
    const bench = new Bench(epoch, voter).hear(epoch.vote('NULLIFY', 3, undefined, voter), leader);
    expect(bench.of('halt')).lengthOf(1);
    expect(bench.machine.isVoter).equal(false);
    expect(bench.hear(epoch.proposal(0, bodyA)).words()).deep.equal([]);
    const inside = new Bench(epoch, voter);
    const signers = [voter, leader, others.find((i) => i !== voter)!].sort((a, b) => a - b);
    inside.hear({
      ...common,
      t: 'CERT',
      cert: epoch.certificate('NULLIFY', 0, undefined, signers),
    });
    expect(inside.of('halt')).lengthOf(1);
  });
});

describe('small and silent epochs', () => {
  it('decides alone when n = 1 (q = 1)', () => {
    const bench = new Bench(new Epoch(1), 0);
    expect(bench.of('decide')[0]).deep.include({ height: 1, body: bodyA });
  });

  it('needs both when n = 2 (q = 2) and all three when n = 3 (q = 3)', () => {
    for (const count of [2, 3]) {
      const small = new Epoch(count);
      const bench = new Bench(small, small.leader(0));
      const rest = small.members.map((_, i) => i).filter((i) => i !== bench.self);
      for (const kind of ['NOTARIZE', 'FINALIZE'] as const) {
        for (const i of rest) {
          expect(bench.machine.height, `n = ${count}`).equal(1);
          bench.hear(small.vote(kind, 0, xA, i));
        }
      }
      expect(bench.machine.height, `n = ${count}`).equal(2);
    }
  });

  it('lets an observer follow without a vote', () => {
    const bench = new Bench(epoch, voter, [], { signer: null }).hear(epoch.proposal(0, bodyA));
    expect(bench.words()).deep.equal([]);
    bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('FINALIZE', 0, xA) });
    expect(bench.of('decide')).lengthOf(1);
  });

  it('refuses an epoch without members or with one twice', () => {
    const make = (members: typeof epoch.members) => () =>
      new Bench(epoch, voter, [], { members, self: 'L0' as never });
    expect(make([])).throw(ConsensusError);
    expect(make([epoch.members[0]!, epoch.members[0]!])).throw(ConsensusError);
  });

  it('refuses an oversized body of its own application as a broken promise', () => {
    const big = utf8('x'.repeat(60 * 1024 + 1));
    const bench = new Bench(epoch, epoch.leader(1));
    bench.offer = big;
    expect(() => bench.hear({ ...common, t: 'VIEW', v: 1, chain: epoch.nulls(1) })).throw('60 KiB');
  });
});

function kinds(effects: readonly Effect[]): string[] {
  return effects.map((effect) => {
    if (effect.kind === 'persist') return `persist ${effect.record.t}`;
    if (effect.kind === 'broadcast') return `broadcast ${decodeMessage(effect.bytes).t}`;
    if (effect.kind === 'setTimer') return `setTimer ${effect.id}`;
    return effect.kind === 'decide' ? `decide ${effect.height}` : effect.kind;
  });
}
