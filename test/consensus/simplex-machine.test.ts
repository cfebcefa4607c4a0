import { expect } from 'chai';

import { base64, utf8, type NodeId } from '../../src/base/index.ts';
import {
  ConsensusError,
  decodeMessage,
  encodeMessage,
  type Recall,
  type Effect,
} from '../../src/consensus/index.ts';
import {
  evidenceBetween,
  verifyEvidence,
  type Certificate,
  type Chain,
} from '../../src/wire/index.ts';
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
        'setTimer resend',
        'persist PROPOSE',
        'broadcast PROPOSE',
        'persist NOTARIZE',
        'broadcast NOTARIZE',
        'setTimer view/1/0',
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
          suspendedBy: () => [],
          endsEpoch: () => false,
        },
      });
      expect(idle.of('setTimer').map((e) => e.id)).deep.equal(['resend']);
    });

    it('arms no timer in a later view either while nothing is due, and takes a running one back', () => {
      const bench = new Bench(epoch, voter);
      bench.isDue = false;
      expect(bench.appChanged().of('clearTimer')).lengthOf(1);
      bench.hear({ ...common, t: 'VIEW', v: 3, chain: epoch.nulls(3) });
      expect(viewTimers(bench)).deep.equal([]);
      for (let k = 0; k < 50; k++) expect(viewTimers(bench.appChanged().resend())).deep.equal([]);
      bench.isDue = true;
      expect(viewTimers(bench.appChanged())).deep.equal(['view/1/3']);
    });

    it('arms it without anything due for what was begun: a proposal here, a notarization of the height', () => {
      const nota = epoch.certificate('NOTARIZE', 0, xA);
      const idle = (): Bench => {
        const bench = new Bench(epoch, voter);
        bench.isDue = false;
        return bench.appChanged();
      };
      expect(viewTimers(idle().hear(epoch.proposal(0, bodyA)))).deep.equal(['view/1/0']);
      expect(viewTimers(idle().hear({ ...common, t: 'CERT', cert: nota }))).deep.equal([
        'view/1/1',
      ]);
    });

    it('follows f+1 = 2 that gave the view up although nothing is due here', () => {
      const bench = new Bench(epoch, voter);
      bench.isDue = false;
      bench.appChanged();
      const [a, b] = epoch.others();
      bench.hear(epoch.vote('NULLIFY', 0, undefined, a!));
      expect(bench.hear(epoch.vote('NULLIFY', 0, undefined, b!)).words()).include('NULLIFY/0');
    });

    it('arms it as soon as the application says so, and only once', () => {
      const bench = new Bench(epoch, voter);
      expect(bench.appChanged().of('setTimer')).deep.equal([]);
    });

    it('gives view v the time min(Tmax, T0 * 1.5^v)', () => {
      const bench = new Bench(epoch, voter);
      expect(bench.of('setTimer').find((e) => e.id === 'view/1/0')?.delayMs).equal(10_000);
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NULLIFY', 0) });
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
      // The decision is most likely on its way.
      expect(bench.words()).not.include('PROPOSE/1');
      const proposal = bench
        .waited()
        .said()
        .find((message) => message.t === 'PROPOSE');
      expect(proposal).include({ v: 1, x: xA, p: 0 });
    });

    it('does not propose again what is decided while the leader waits, nor once the view was given up', () => {
      const bench = new Bench(epoch, epoch.leader(1));
      bench.hear(epoch.proposal(0, bodyA));
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
      const [again] = bench.effects.filter(
        (e) => e.kind === 'setTimer' && e.id.startsWith('again/'),
      );
      expect(again).include({ id: 'again/1/1', delayMs: 500 });
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('FINALIZE', 0, xA) });
      expect(bench.effects.some((e) => e.kind === 'clearTimer' && e.id === 'again/1/1')).equal(
        true,
      );
      expect(bench.waited().words()).not.include('PROPOSE/1');
    });

    it('proposes a notarized value again at once where views between were given up', () => {
      const bench = new Bench(epoch, epoch.leader(2));
      bench.hear(epoch.proposal(0, bodyA));
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
      bench.hear({ ...common, t: 'CERT', cert: epoch.nulls(2).nulli! });
      expect(bench.words()).include('PROPOSE/2');
    });

    it('fetches the body of a notarized value it never saw before proposing it again', () => {
      const bench = new Bench(epoch, epoch.leader(1));
      bench.offer = bodyB;
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
      expect(bench.waited().words()).not.include('PROPOSE/1');
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
        chain: { ...good, chain: { nota: null, nulli: epoch.certificate('NULLIFY', 0) } },
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
        'a gap': () => ({ nota: null, nulli: epoch.certificate('NULLIFY', 0) }),
        'a gap in what was given up': () => ({
          nota: null,
          nulli: epoch.certificate('NULLIFY', 1, undefined, undefined, 0),
        }),
        'wrong kind': () => ({ nota: epoch.certificate('FINALIZE', 0, xA), nulli: null }),
        'another value': () => ({ nota: epoch.certificate('NOTARIZE', 0, xA), nulli: null }),
        nothing: () => emptyChain,
      };
      for (const [name, chain] of Object.entries(flawed)) {
        const view = name.startsWith('a gap') ? 2 : 1;
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
      const chain = { nota: epoch.certificate('NOTARIZE', 0, xA), nulli: null };
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
        'persist FINALIZE',
        'broadcast FINALIZE',
        'broadcast CERT',
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

    it('never finalizes a view that a later NULLIFY of its own gives up, also after a restart', () => {
      const before = new Bench(epoch, voter);
      before.hear({ ...common, t: 'VIEW', v: 3, chain: epoch.nulls(3) }).timeout();
      expect(before.words()).deep.equal(['NULLIFY/3']);
      for (const bench of [before, new Bench(epoch, voter, before.log)]) {
        bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 1, xA) });
        expect(bench.words()).include('CERT').not.include('FINALIZE/1');
      }
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
    it('gives up only what lies behind the highest notarization known, and keeps that beside the vote', () => {
      const bench = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
      const nota = epoch.certificate('NOTARIZE', 0, xA);
      bench.hear({ ...common, t: 'CERT', cert: nota }).timeout();
      expect(bench.said()[0]).include({ t: 'NULLIFY', v: 1, p: 0 });
      expect(bench.log.at(-1)).deep.include({ t: 'NULLIFY', p: 0, nota });
      // Lost, its own vote and all like it would count for nothing after a restart.
      const cert = epoch.certificate('NULLIFY', 1, undefined, undefined, 0);
      const [last] = bench.log.filter(({ t }) => t === 'NULLIFY');
      const after = new Bench(epoch, voter, [bench.log[0]!, last!]);
      expect(after.machine.view).equal(1);
      expect(after.hear({ ...common, t: 'CERT', cert }).machine.view).equal(2);
    });

    it('nullifies when the timer runs out, once', () => {
      const bench = new Bench(epoch, voter).timeout();
      expect(kinds(bench.effects)).deep.equal(['persist NULLIFY', 'broadcast NULLIFY']);
      expect(bench.timeout().words()).deep.equal([]);
    });

    it('waits half a second for a leader that was silent in its last view, and all its time once it is heard', () => {
      const silent = epoch.leader(4);
      const teller = others.find((i) => i !== silent && i !== voter)!;
      const to = (bench: Bench, v: number): Effect[] =>
        bench.hear({ ...common, t: 'VIEW', v, chain: epoch.nulls(v) }, teller).of('setTimer');
      const timerOf = (effects: readonly Effect[]): [string, number] | undefined =>
        effects.flatMap((effect): [string, number][] =>
          effect.kind === 'setTimer' && effect.id.startsWith('view')
            ? [[effect.id, effect.delayMs]]
            : [],
        )[0];
      const bench = new Bench(epoch, voter);
      // T(4) = 10 s · 1.5^4, T(8) = 10 s · 1.5^8.
      expect(timerOf(to(bench, 4))).deep.equal(['view/1/4', 50_625]);
      bench.timeout();
      // The same leader's next turn; another's is as long as ever.
      expect(timerOf(to(bench, 7))?.[1]).equal(Math.round(10_000 * 1.5 ** 7));
      expect(timerOf(to(bench, 8))).deep.equal(['view/1/8/silent', 500]);
      const status = { ...common, t: 'STATUS', v: 0 } as const;
      expect(bench.hear(status, silent).of('clearTimer')).lengthOf(1);
      expect(timerOf(bench.effects)).deep.equal(['view/1/8', Math.round(10_000 * 1.5 ** 8)]);
      // Heard in the view that ended without a proposal: it is there, and keeps its time.
      bench.timeout();
      expect(timerOf(to(bench, 12))?.[0]).equal('view/1/12');
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
      expect(view?.t === 'VIEW' && view.chain.nulli?.v).equal(0);
    });

    it('enters the view after a nullification at once, whatever views lie between', () => {
      const bench = new Bench(epoch, voter);
      bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NULLIFY', 7) });
      expect(bench.machine.view).equal(8);
    });

    it('justifies the 250th view with as many bytes as the first', () => {
      const small = new Epoch(4);
      const bench = new Bench(small, voter);
      const sizes: number[] = [];
      for (let view = 0; view < 250; view++) {
        bench.timeout();
        const [a, b] = small.others();
        bench.hear(small.vote('NULLIFY', view, undefined, a!));
        bench.hear(small.vote('NULLIFY', view, undefined, b!));
        const [told] = bench
          .resend()
          .said()
          .filter(({ t }) => t === 'VIEW');
        sizes.push(encodeMessage(told!).byteLength);
      }
      expect(bench.machine.view).equal(250);
      // Three signatures of 96 bytes, and the two numbers of the view: one digit at first, three at last.
      expect(sizes[0]).lessThan(700);
      expect(sizes.at(-1)! - sizes[0]!).equal(2 + 2);
    });

    it('counts a nullification only beside the notarization behind which its signers gave up', () => {
      const nota = epoch.certificate('NOTARIZE', 2, xA);
      const cert = epoch.certificate('NULLIFY', 7, undefined, undefined, 2);
      for (const told of [
        { ...common, t: 'CERT', cert: nota },
        { ...common, t: 'VIEW', v: 3, chain: { nota, nulli: null } },
      ] as const) {
        const bench = new Bench(epoch, voter).hear({ ...common, t: 'CERT', cert });
        expect(bench.machine.view, told.t).equal(0);
        expect(bench.hear(told).machine.view, told.t).equal(8);
        const said = bench.resend().said();
        expect(said.find(({ t }) => t === 'VIEW')).deep.include({ chain: { nota, nulli: cert } });
      }
    });

    it('takes over a higher notarization from a VIEW of its own view, so that votes beside it count', () => {
      const nota = epoch.certificate('NOTARIZE', 2, xA);
      const bench = new Bench(epoch, voter);
      bench.hear({ ...common, t: 'VIEW', v: 5, chain: epoch.nulls(5) });
      for (const i of epoch.others()) bench.hear(epoch.vote('NULLIFY', 5, undefined, i, 2));
      expect(bench.machine.view).equal(5);
      const chain = { nota, nulli: epoch.certificate('NULLIFY', 4, undefined, undefined, 2) };
      expect(bench.hear({ ...common, t: 'VIEW', v: 5, chain }).machine.view).equal(6);
    });

    it('forms a nullification without the vote of a member that claims a notarization nobody has', () => {
      const bench = new Bench(epoch, voter).timeout();
      const [a, b, c] = epoch.others();
      bench.hear({ ...common, t: 'VIEW', v: 4, chain: epoch.nulls(4) }).timeout();
      bench.hear(epoch.vote('NULLIFY', 4, undefined, a!, 3));
      bench.hear(epoch.vote('NULLIFY', 4, undefined, b!, -1));
      expect(bench.machine.view).equal(4);
      expect(bench.hear(epoch.vote('NULLIFY', 4, undefined, c!, -1)).machine.view).equal(5);
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
      const asked = { height: 0, from, theirs: null } as const;
      const told = { kind: 'foundDecision', ...asked, epoch: 1, body: bodyB } as const;
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
      [
        'nullify_and_finalize',
        epoch.vote('FINALIZE', 3, xA, liar),
        epoch.vote('NULLIFY', 5, undefined, liar, 2),
      ],
      [
        'two_nullifications',
        epoch.vote('NULLIFY', 5, undefined, liar, 3),
        epoch.vote('NULLIFY', 5, undefined, liar, 2),
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
    for (const change of [{ cid: previous }, { sig: far.sig }, { i: 7 }]) {
      const vote = { ...epoch.vote('NULLIFY', 0, undefined, leader), ...change };
      expect(bench.hear(vote, leader).of('refused'), JSON.stringify(change)).lengthOf(1);
    }
    // Of an epoch before nothing counts, and of a later one only that its sender knows what was decided here.
    for (const e of [0, 2]) {
      const vote = { ...epoch.vote('NULLIFY', 0, undefined, leader), e };
      expect(bench.hear(vote, leader).of('refused')).deep.equal([]);
      expect(bench.sent().map(({ message }) => message.t)).deep.equal(e === 2 ? ['STATUS'] : []);
    }
    const replayed = { ...new Epoch(4, 2).vote('NULLIFY', 0, undefined, leader), h: 1 };
    expect(bench.hear(replayed).of('refused')).lengthOf(1);
    const stranger = { kind: 'message', from: 'L9' as never, bytes: encodeMessage(far) } as const;
    expect(bench.machine.step(stranger)).deep.include({
      ...{ kind: 'refused', from: 'L9', reason: 'not a member of this epoch' },
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

  it('retires when peers show a vote of its key that its log does not have, and follows from then on', () => {
    const bench = new Bench(epoch, voter).hear(epoch.vote('NULLIFY', 3, undefined, voter), leader);
    expect(bench.of('retire')).lengthOf(1);
    expect(bench.machine.isVoter).equal(false);
    expect(bench.hear(epoch.proposal(0, bodyA)).words()).deep.equal([]);
    bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('FINALIZE', 0, xA) });
    expect(bench.of('decide')).lengthOf(1);
    const inside = new Bench(epoch, voter);
    const signers = [voter, leader, others.find((i) => i !== voter)!].sort((a, b) => a - b);
    inside.hear({
      ...common,
      t: 'CERT',
      cert: epoch.certificate('NULLIFY', 0, undefined, signers),
    });
    expect(inside.of('retire')).lengthOf(1);
  });
});

describe('the first vote after a start (n = 4: q-1 = 2 others must answer)', () => {
  const asked = (bench: Bench): Recall => bench.said().find(({ t }) => t === 'RECALL') as Recall;
  const fresh = (height = 1): Bench =>
    new Bench(new Epoch(4, height), voter, [], { isAnswered: false });

  it('waits for what two others hold of this member, none of it unknown', () => {
    const bench = fresh();
    const recall = asked(bench);
    expect(bench.hear(epoch.proposal(0, bodyA)).words()).deep.equal([]);
    expect(bench.timeout().words()).deep.equal([]);
    const answer = { ...recall, t: 'RECALLED', votes: [] } as const;
    const [a, b] = epoch.others();
    expect(bench.hear(answer, a).hear(answer, a).words(), 'one twice').deep.equal([]);
    expect(bench.hear({ ...answer, n: recall.n + 1 }, b).words(), 'another start').deep.equal([]);
    expect(bench.hear(answer, b).words()).deep.equal(['NOTARIZE/0']);
    expect(viewTimers(bench)).deep.equal(['view/1/0']);
  });

  it('waits for a person too where the node is held back, who may come before or after the answers', () => {
    for (const isLate of [true, false]) {
      let isHeldBack = true;
      const more = { isAnswered: false, isHeldBack: () => isHeldBack };
      const bench = new Bench(epoch, voter, [], more);
      const answer = { ...asked(bench), t: 'RECALLED', votes: [] } as const;
      const [a, b] = epoch.others();
      bench.hear(epoch.proposal(0, bodyA)).hear(answer, a);
      isHeldBack = isLate;
      const words = bench.hear(answer, b).words();
      expect(words).deep.equal(isLate ? [] : ['NOTARIZE/0']);
      expect(bench.machine.isVoter).equal(!isLate);
      isHeldBack = false;
      expect(bench.appChanged().words()).deep.equal(isLate ? ['NOTARIZE/0'] : []);
    }
  });

  it('finalizes what was notarized while it waited', () => {
    const bench = fresh();
    const answer = { ...asked(bench), t: 'RECALLED', votes: [] } as const;
    bench.hear({ ...common, t: 'CERT', cert: epoch.certificate('NOTARIZE', 0, xA) });
    const [a, b] = epoch.others();
    expect(bench.hear(answer, a).hear(answer, b).words()).include('FINALIZE/0');
  });

  it('asks again until then, and whoever asks meanwhile at once; answers need no vote', () => {
    const [one, other] = [fresh(), new Bench(epoch, epoch.others()[0]!, [], { isAnswered: false })];
    expect(one.resend().words()).include('RECALL');
    one.hear(asked(other), other.self);
    expect(one.sent().map(({ message }) => message.t)).deep.equal(['RECALLED', 'RECALL']);
    for (const { message } of one.sent()) other.hear(message, voter);
    expect(other.sent().map(({ message }) => message.t)).deep.equal(['RECALLED']);
  });

  it('is shown every vote and proposal that the others hold of it', () => {
    const [self, asker] = [voter, leader];
    const bench = new Bench(epoch, self).hear(epoch.proposal(0, bodyA));
    const mine = [epoch.vote('NOTARIZE', 0, xA, asker), epoch.vote('NULLIFY', 4, undefined, asker)];
    for (const vote of mine) bench.hear(vote);
    bench.hear({ ...common, t: 'RECALL', n: 7 }, asker);
    const [answer] = bench.sent().map(({ message }) => message);
    expect(answer).include({ t: 'RECALLED', n: 7 });
    const kinds = answer?.t === 'RECALLED' ? answer.votes.map(({ t, v }) => `${t}/${v}`) : [];
    expect(kinds).have.members(['NULLIFY/4', 'NOTARIZE/0', 'PROPOSE/0']);
  });

  it('is never made when one shows a vote of this height or a later one that the disk has not', () => {
    for (const height of [1, 2, 9]) {
      const bench = fresh();
      const lost = new Epoch(4, height).vote('FINALIZE', 1, xB, voter);
      bench.hear({ ...asked(bench), h: height, t: 'RECALLED', votes: [lost] }, leader);
      expect(bench.of('retire'), String(height)).lengthOf(1);
      expect(bench.of('retire')[0]?.reason).include(`FINALIZE of height ${height}`);
      expect(bench.machine.isVoter).equal(false);
    }
  });

  it('cannot be kept from this member by forged votes, or by votes that its disk has', () => {
    const before = new Bench(epoch, voter).hear(epoch.proposal(0, bodyA));
    const bench = new Bench(epoch, voter, before.log, { isAnswered: false });
    const recall = asked(bench);
    const forged = { ...epoch.vote('NULLIFY', 0, undefined, leader), i: voter };
    bench.hear({ ...recall, t: 'RECALLED', votes: [forged] }, leader);
    expect(bench.of('refused')).lengthOf(1);
    const known = epoch.vote('NOTARIZE', 0, xA, voter);
    for (const i of epoch.others()) bench.hear({ ...recall, t: 'RECALLED', votes: [known] }, i);
    expect(bench.of('retire')).deep.equal([]);
    expect(bench.machine.isVoter).equal(true);
  });

  it('waits until it has caught up with an honest member, where its votes stand in certificates', () => {
    const bench = fresh();
    const answer = { ...asked(bench), t: 'RECALLED', votes: [] } as const;
    const [a, b, c] = epoch.others();
    // f = 1 may claim anything; that two claim height 2 means that height 1 is decided.
    bench.hear({ ...answer, h: 90 }, a).hear({ ...answer, h: 2 }, b);
    expect(bench.machine.isVoter).equal(false);
    const signers = [voter, b!, c!].sort((x, y) => x - y);
    const cert = epoch.certificate('FINALIZE', 0, xA, signers);
    bench.hear({ ...common, t: 'DECIDED', body: base64(bodyA), cert });
    expect(bench.of('retire')).lengthOf(1);
    const other = fresh();
    const ahead = { ...asked(other), h: 2, t: 'RECALLED', votes: [] } as const;
    other.hear(ahead, a).hear(ahead, b);
    expect(other.machine.isVoter).equal(false);
    const clean = epoch.certificate('FINALIZE', 0, xA);
    other.hear({ ...common, t: 'DECIDED', body: base64(bodyA), cert: clean });
    expect(other.machine.isVoter).equal(true);
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

  it('does not propose an oversized body of its own application, says so and goes on', () => {
    const bench = new Bench(epoch, epoch.leader(1));
    bench.offer = utf8('x'.repeat(60 * 1024 + 1));
    bench.hear({ ...common, t: 'VIEW', v: 1, chain: epoch.nulls(1) });
    expect(bench.of('oversized')).deep.equal([
      { kind: 'oversized', what: 'body', sizeBytes: 60 * 1024 + 1 },
    ]);
    bench.offer = bodyB;
    expect(bench.appChanged().words()).include('PROPOSE/1');
  });
});

describe('a member suspended by a decided block', () => {
  const suspend = (): { bench: Bench; next: Epoch } => {
    // n = 5: f = 1, q = 4. Without L4: n = 4, f = 1, q = 3.
    const five = new Epoch(5);
    const bench = new Bench(five, 0);
    bench.suspends = [4];
    bench.hear(five.proposal(0, bodyA));
    bench.hear({ ...common, t: 'CERT', cert: five.certificate('FINALIZE', 0, xA) });
    const next = new Epoch(5, 2);
    next.absent = 0;
    return { bench, next };
  };
  const at2 = { ...common, h: 2 };

  it('counts no more from the next height on, in n, f, q and votes', () => {
    const { bench, next } = suspend();
    bench.hear({ ...at2, t: 'CERT', cert: next.certificate('NULLIFY', 0, undefined, [1, 2, 4]) });
    expect(bench.of('refused')).lengthOf(1);
    for (const i of [1, 4]) bench.hear(next.vote('NULLIFY', 0, undefined, i));
    expect(bench.machine.view, 'one and a suspended one').equal(0);
    // Two others are f+1, this node joins them, and three of four are q.
    bench.hear(next.vote('NULLIFY', 0, undefined, 3));
    expect(bench.machine.view, 'three of four').equal(1);
  });

  it('still counts in the certificate of the height that suspends it', () => {
    const { bench } = suspend();
    expect(bench.machine.height).equal(2);
  });

  it('is as much suspended after a restart, from the records or from what the application tells', () => {
    const { bench, next } = suspend();
    const records = new Bench(new Epoch(5), 0, bench.log);
    expect(records.machine.height, 'records alone suspend nobody here').equal(2);
    const told = new Bench(next, 0, [], { suspendedFrom: new Map([[4, 2]]) });
    told.hear({ ...at2, t: 'CERT', cert: next.certificate('NULLIFY', 0, undefined, [1, 2, 3]) });
    expect(told.machine.view).equal(1);
    const self = new Bench(next, 4, [], { suspendedFrom: new Map([[4, 2]]) });
    expect(self.machine.isVoter, 'its own node follows').equal(false);
  });
});

function viewTimers(bench: Bench): string[] {
  return bench.of('setTimer').flatMap(({ id }) => (id.startsWith('view/') ? [id] : []));
}

function kinds(effects: readonly Effect[]): string[] {
  return effects.map((effect) => {
    if (effect.kind === 'persist') return `persist ${effect.record.t}`;
    if (effect.kind === 'broadcast') return `broadcast ${decodeMessage(effect.bytes).t}`;
    if (effect.kind === 'setTimer') return `setTimer ${effect.id}`;
    return effect.kind === 'decide' ? `decide ${effect.height}` : effect.kind;
  });
}
