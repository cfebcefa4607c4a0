/**
 * Rules R1 to R5 of docs/specs/consensus.md: how a view is entered, voted in and left. No rule calls another, but for
 * R4 after a refusal: each looks at the state, changes it if it may, and says whether it did. The machine runs whatever
 * the state now allows until nothing is left.
 */
import { invariant } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import { limits, type Certificate, type Chain } from '../wire/index.ts';
import type { Bodies } from './bodies.ts';
import type { MachineState } from './machine-state.ts';
import type { MachineTimers } from './machine-timers.ts';
import type { Voting } from './voting.ts';

/** See the file's header. */
export class ViewRules {
  readonly #state: MachineState;
  readonly #voting: Voting;
  readonly #bodies: Bodies;
  readonly #timers: MachineTimers;

  constructor(state: MachineState, voting: Voting, bodies: Bodies, timers: MachineTimers) {
    this.#state = state;
    this.#voting = voting;
    this.#bodies = bodies;
    this.#timers = timers;
  }

  /** R1, first half: enter(v, chain). */
  #enter(view: number, chain: Chain): void {
    const { now, out } = this.#state;
    invariant(view > now.view, 'views only grow');
    now.take(view, chain);
    now.askToPropose = true;
    now.askToJudge = true;
    for (const old of now.proposals.keys()) if (old < view) now.proposals.delete(old);
    this.#timers.viewBegan();
    // After a restart own votes of this view may lie in the log while nobody heard them.
    for (const kind of ['PROPOSE', 'NOTARIZE', 'NULLIFY'] as const) {
      const own = now.rules.own(kind, view);
      if (own !== null) out.broadcast(own);
    }
  }

  /** R1, second half: the leader proposes, again what was notarized or else what the application offers. */
  propose(): boolean {
    const { now, isVoter, self, options, out } = this.#state;
    const { view, chain, rules, height } = now;
    if (!isVoter || now.leader(view) !== self) return false;
    if (!rules.maySign('PROPOSE', view) || !this.#timers.mayProposeAgain) return false;
    const forced = rules.forced(chain);
    let body: Uint8Array | null;
    if (forced !== null) {
      body = now.bodies.get(forced) ?? null;
      if (body === null && chain.nota !== null) this.#bodies.want(forced, chain.nota);
    } else {
      if (!now.askToPropose) return false;
      now.askToPropose = false;
      body = options.application.propose(height, view);
    }
    if (body === null) return false;
    if (body.byteLength > limits.bodyBytesMax) {
      out.push({ kind: 'oversized', what: 'body', sizeBytes: body.byteLength });
      return false;
    }
    const x = digestOf(body);
    now.bodies.set(x, body);
    this.#voting.sign('PROPOSE', view, x, { body, chain });
    return true;
  }

  /** R2: notarize the leader's proposal if the application accepts it. Allowed after an own NULLIFY. */
  notarize(): boolean {
    const { now, isVoter, options } = this.#state;
    const { view, rules, height, rejectedView } = now;
    const proposal = now.proposals.get(view);
    if (proposal === undefined || !isVoter || rejectedView === view) return false;
    if (!rules.maySign('NOTARIZE', view)) return false;
    const body = now.bodies.get(proposal.x);
    invariant(body !== undefined, 'a kept proposal has its body');
    // A value once notarized was judged by an honest member: only its proof counts from then on.
    if (proposal.chain.nota === null) {
      if (!now.askToJudge) return false;
      now.askToJudge = false;
      const judgement = options.application.judge(height, body);
      if (judgement === 'wait') return false;
      if (judgement === 'reject') {
        now.rejectedView = view;
        return this.nullify(); // R4
      }
    }
    this.#voting.sign('NOTARIZE', view, proposal.x, { body });
    return true;
  }

  /** R3 on a notarization; a finalization is kept for R6. */
  onCertificate(certificate: Certificate, announce: boolean): void {
    const { now, isVoter } = this.#state;
    const { kind, v, x } = certificate;
    if (kind === 'FINALIZE') {
      now.final ??= certificate;
      return;
    }
    invariant(x !== undefined, 'a notarization names a value');
    if (isVoter && now.rules.maySign('FINALIZE', v)) {
      this.#voting.sign('FINALIZE', v, x, { cert: certificate });
    }
    // After the vote, which everybody waits for; a certificate only those who lack some of its votes.
    if (announce) this.#tell(certificate);
    if (v >= now.view) this.#enter(v + 1, { nota: certificate, nulli: null });
    else if (v > now.parent) {
      // The nullification behind this view covers more than it need now, and nothing at all right after `v`.
      now.take(now.view, { nota: certificate, nulli: v === now.view - 1 ? null : now.chain.nulli });
      this.#timers.hurry();
    }
  }

  /**
   * R3, R5: tells a certificate at once if this node is one of the f+1 whose turn comes next, an honest one among them. Most
   * have it from the votes; who has not gets it from these, or with the VIEW that everybody says again (R7).
   */
  #tell(certificate: Certificate): void {
    const { now, self, faultMax, out } = this.#state;
    const turns = Array.from({ length: faultMax + 1 }, (_, i) => now.leader(certificate.v + 1 + i));
    if (!turns.includes(self)) return;
    out.broadcast({ ...this.#state.common(), t: 'CERT', cert: certificate });
  }

  /** R4: gives up all views after the highest notarization, to the current one. */
  nullify(): boolean {
    const { view, rules, chain } = this.#state.now;
    const p = rules.givesUpAfter({ view, chain });
    if (!this.#state.isVoter || !rules.maySign('NULLIFY', view, p)) return false;
    this.#voting.sign('NULLIFY', view, undefined, { p, nota: p < 0 ? null : chain.nota });
    return true;
  }

  /** R4: f+1 others gave up this view, so an honest one did; its reason may not reach us. */
  amplify(): boolean {
    const { now, self, view, faultMax } = this.#state;
    return now.nullifiersBeside(self, view) > faultMax && this.nullify();
  }

  /** R5: on a nullification of this view or a later one, enters the view after it, whatever lies between. */
  advance(): boolean {
    const { now } = this.#state;
    const found = now.nullification();
    if (found === null) return false;
    const { certificate, announce } = found;
    if (announce) this.#tell(certificate);
    this.#enter(certificate.v + 1, { nota: now.chain.nota, nulli: certificate });
    return true;
  }
}
