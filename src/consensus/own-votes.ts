/**
 * R8: what the others hold of this node's own votes. It asks before its first vote after a start, answers those who ask,
 * and retires when a signature of its key turns up that its log does not have: another machine has the key, or the disk
 * went back in time.
 */
import type { NodeId } from '../base/index.ts';
import { isStatementBy, limits, type Statement } from '../wire/index.ts';
import type { MachineState } from './machine-state.ts';
import { MemoryCheck } from './memory-check.ts';
import type { Recall, Recalled } from './messages.ts';

/** See the file's header. */
export class OwnVotes {
  readonly #state: MachineState;

  constructor(state: MachineState) {
    this.#state = state;
  }

  /** The log is read back: whoever has a key asks before it votes. */
  begin(): void {
    const { options, now } = this.#state;
    if (options.signer === null) return;
    this.#state.check = new MemoryCheck(options.random.integer(2 ** 31 - 1), now);
  }

  /** The first vote of this run waits for what the others hold of earlier ones. Returns whether it may come now. */
  mayBegin(): boolean {
    const { check, now, height, self, faultMax, options } = this.#state;
    if (check === null || options.isHeldBack?.() === true) return false;
    const others = now.order.filter((index) => index !== self);
    if (!check.isPassed(height, others, { faultMax, quorum: now.quorum })) return false;
    this.#state.check = null;
    now.reconsider();
    return true;
  }

  /** Asks everybody once more, while this node may not vote. */
  askAgain(): void {
    const { check, out } = this.#state;
    if (check !== null) out.broadcast(this.#recall(check));
  }

  /** A checked signature came. If it is of this node's own key and not in its log, the node signs no more. */
  mind(signed: Statement & { readonly i: number }): void {
    const { self, isRetired, options, check, now, out } = this.#state;
    if (signed.i !== self || isRetired || options.signer === null) return;
    const { t, h, v } = signed;
    // Until it votes this node knows what its disk held at the start, however far it has caught up since.
    const { height, rules } = check?.start ?? now;
    if (h < height || (h === height && !rules.isUnknown(signed))) return;
    this.#state.isRetired = true;
    const reason = `${t} of height ${h}, view ${v} carries this node's signature but is not in its log`;
    out.push({ kind: 'retire', reason });
  }

  /** A member that has started shows nothing of its own: what is held of its votes goes back to it. */
  onRecall(from: NodeId, { h, n }: Recall): void {
    const { now, before, check, out } = this.#state;
    const index = this.#state.indexOf(from);
    const states = [now, before].filter((state) => state !== null && state.height >= h);
    const held = states.flatMap((state) => state?.signedBy(index, limits.recalledMax) ?? []);
    const votes = held.slice(0, limits.recalledMax);
    out.reply(from, { ...this.#state.common(), t: 'RECALLED', n, votes });
    // It can be heard now, perhaps for the first time since this node asked.
    if (check?.hasHeard(index) === false) out.reply(from, this.#recall(check));
  }

  /** A member shows what it holds of this node's votes. */
  onRecalled(from: NodeId, { h, n, votes }: Recalled): void {
    const { check, self, context, out } = this.#state;
    if (check?.nonce !== n) return;
    for (const vote of votes) {
      const isOwn = vote.i === self && vote.h <= h;
      if (!isOwn || !isStatementBy(vote, vote.i, vote.sig, context)) {
        out.refuse(from, 'votes that are not of the member that asks');
        return;
      }
    }
    for (const vote of votes) this.mind(vote);
    check.heard(this.#state.indexOf(from), h);
  }

  #recall({ nonce, start }: MemoryCheck): Recall {
    return { ...this.#state.common(), h: start.height, t: 'RECALL', n: nonce };
  }
}
