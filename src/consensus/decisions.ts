/** R6 and the answering half of R7: decisions made, kept, given to those who are behind, and held against theirs. */
import { base64, type NodeId } from '../base/index.ts';
import { evidenceBetween, type Certificate } from '../wire/index.ts';
import type { Bodies } from './bodies.ts';
import type { Convictions } from './convictions.ts';
import type { MachineState } from './machine-state.ts';
import type { ConsensusMessage } from './messages.ts';
import type { Decision, DecisionQuery } from './ports.ts';

/** See the file's header. */
export class Decisions {
  readonly #state: MachineState;
  readonly #bodies: Bodies;
  readonly #convictions: Convictions;
  /** The last ones, by height; older ones are looked up. */
  readonly #kept = new Map<number, Decision>();

  constructor(state: MachineState, bodies: Bodies, convictions: Convictions) {
    this.#state = state;
    this.#bodies = bodies;
    this.#convictions = convictions;
  }

  /** R6: a finalized value with its body is decided, and the next height begins. Returns whether that was so. */
  decide(): boolean {
    const { now, options, suspendedFrom, height } = this.#state;
    const { final } = now;
    if (final?.x === undefined) return false;
    const body = now.bodies.get(final.x);
    if (body === undefined) {
      this.#bodies.want(final.x, final);
      return false;
    }
    this.#record(body, final);
    this.#kept.set(height, { body, certificate: final });
    this.#kept.delete(height - options.settings.decisionsKept);
    for (const index of options.application.suspendedBy(body)) {
      if (!suspendedFrom.has(index)) suspendedFrom.set(index, height + 1);
    }
    this.#state.isOver ||= options.application.endsEpoch(body);
    this.#state.beginNext(final.x);
    return true;
  }

  /**
   * A message of a lower height, perhaps of an epoch before. A STATUS asks for help; a late vote does not: its sender was
   * answered or is.
   */
  onBehind(from: NodeId, message: ConsensusMessage): void {
    const { h, e } = message;
    const { out, options } = this.#state;
    const isQuestion = message.t === 'STATUS' || message.t === 'GETBODY';
    const isDecision = message.t === 'DECIDED' && e === options.epoch;
    if ((!isQuestion && !isDecision) || !out.mayReply(from)) return;
    const theirs = isDecision ? message.cert : null;
    const query = { height: h, from, theirs };
    const decision = this.#kept.get(h);
    if (decision !== undefined) this.onFound(query, { ...decision, epoch: options.epoch });
    else out.push({ kind: 'findDecision', ...query });
  }

  /** An old decision that a message was about is at hand. */
  onFound(
    { height, from, theirs }: DecisionQuery,
    { body, certificate, epoch }: Decision & { readonly epoch: number },
  ): void {
    if (theirs !== null) {
      if (epoch === this.#state.options.epoch) this.#compare(certificate, theirs);
      return;
    }
    // Nobody voted for a restart: it proves nothing to those whose people have not handed it in.
    if (certificate.sigs.length === 0) return;
    const answer = { t: 'DECIDED', body: base64(body), cert: certificate } as const;
    const common = { ...this.#state.common(), e: epoch, h: height };
    this.#state.out.send(from, { ...common, ...answer });
  }

  #record(body: Uint8Array, certificate: Certificate): void {
    const { out, height } = this.#state;
    // Read back from the log it stands there already; the application hears of it again all the same.
    if (!out.isMuted) {
      const proof = { body: base64(body), cert: certificate };
      out.push({ kind: 'persist', record: { t: 'DEC', ...this.#state.common(), ...proof } });
    }
    out.push({ kind: 'decide', height, body, certificate });
  }

  /** Two decisions of one height: more than f members lie. Nothing decided from here on means anything. */
  #compare(ours: Certificate, theirs: Certificate): void {
    const isOther = theirs.kind === 'FINALIZE' && theirs.h === ours.h && theirs.x !== ours.x;
    if (!isOther || !this.#state.isSound(theirs)) return;
    for (const pair of evidenceBetween(ours, theirs, this.#state.context)) {
      this.#convictions.convict(pair);
    }
    if (this.#state.isHalted) return;
    this.#state.isHalted = true;
    const reason = `two blocks are decided at height ${ours.h}: more than f members broke the rules`;
    this.#state.out.push({ kind: 'halt', reason });
  }
}
