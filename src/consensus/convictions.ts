/** Evidence against members: found here or told by others, and told again until its culprit has no vote. */
import type { NodeId } from '../base/index.ts';
import { verifyEvidence, type EvidencePair } from '../wire/index.ts';
import type { MachineState } from './machine-state.ts';

/** What convicted whom, one pair for each culprit. */
export class Convictions {
  readonly #state: MachineState;
  readonly #pairs = new Map<number, EvidencePair>();

  constructor(state: MachineState) {
    this.#state = state;
    for (const pair of state.options.evidence ?? []) this.#pairs.set(pair.a.i, pair);
  }

  /** Keeps and tells checked evidence, once for each member that still has a vote. */
  convict(pair: EvidencePair): void {
    const { options, out } = this.#state;
    const culprit = pair.a.i;
    const member = options.members[culprit];
    if (member === undefined || this.isConvicted(culprit)) return;
    this.#pairs.set(culprit, pair);
    out.push({ kind: 'evidence', culprit: member.id, pair });
    out.broadcast({ ...this.#state.common(), t: 'EVIDENCE', pair });
  }

  /** Whether evidence against a member is known, decided about or not: more of it is no news. */
  isConvicted(index: number): boolean {
    return this.#pairs.has(index) || this.#state.suspendedFrom.has(index);
  }

  /** Another member says that somebody broke the rules. */
  onEvidence(from: NodeId, pair: EvidencePair): void {
    const { height, context, out } = this.#state;
    // Who had a vote at a later height is not known yet.
    if (this.#pairs.has(pair.a.i) || pair.a.h > height) return;
    if (verifyEvidence(pair, context) === null) out.refuse(from, 'evidence of nothing');
    else this.convict(pair);
  }

  /** R7: tells again what nothing was decided about yet. */
  tellAgain(): void {
    const { suspendedFrom, out } = this.#state;
    for (const [culprit, pair] of this.#pairs) {
      if (suspendedFrom.has(culprit)) continue;
      out.broadcast({ ...this.#state.common(), t: 'EVIDENCE', pair });
    }
  }
}
