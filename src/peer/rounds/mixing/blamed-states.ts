/**
 * States of which a receiver says that it cannot use them: with the key that it got, this node looks for itself. So a sender
 * of nonsense is told from a receiver that lies, and what a sender keeps from some comes to them from others.
 */
import { messageOf } from '../../../base/index.ts';
import {
  contentName,
  GossipError,
  stateCiphertextBytes,
  type MixingSchedule,
} from '../../../gossip/index.ts';
import { stepBulkContext, type StepStatement } from '../../../wire/index.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { ruleOf } from '../round-start.ts';
import type { StateVerdict, StepBook } from './step-book.ts';

/** Who blames whom; members are counted as the CUT has them. */
export interface Blame {
  readonly member: number;
  readonly step: number;
  readonly receiver: number;
  /** What the receiver says that it got. */
  readonly key: Uint8Array;
}

/** See the file's header. */
export class BlamedStates {
  readonly #context: RoundContext;
  readonly #schedule: MixingSchedule;
  readonly #book: StepBook;
  /** One look for each pair and step at a time, and none after the last word. */
  readonly #looked = new Set<string>();

  constructor(context: RoundContext, schedule: MixingSchedule, book: StepBook) {
    this.#context = context;
    this.#schedule = schedule;
    this.#book = book;
  }

  /** Looks at a state, unless that was done; a state that does not come is looked for again when it is blamed again. */
  look(blame: Blame): void {
    const { member, step, receiver } = blame;
    const statement = this.#book.step(member, step)?.statement;
    const name = `${member} ${step} ${receiver}`;
    const isHeard = this.#schedule.incoming(step, receiver).some(({ from }) => from === member);
    if (statement === undefined || !isHeard || this.#looked.has(name)) return;
    this.#looked.add(name);
    const { post, ports, open } = this.#context;
    void this.#verdictOn(statement, blame).then(
      (verdict) => {
        post(() => {
          if (verdict === 'withheld') this.#looked.delete(name);
          const nowMs = ports.clock.nowMs();
          if (verdict !== null) this.#book.judged(member, step, receiver, verdict, nowMs);
        });
      },
      (error: unknown) => {
        const facts = { round: open.r, reason: messageOf(error) };
        ports.logger.log('warn', 'a blamed state could not be looked at', facts);
      },
    );
  }

  /** Null when this node cannot tell: the receiver may have got no key of it, or says so. */
  async #verdictOn(
    statement: StepStatement,
    { member, step, key }: Blame,
  ): Promise<StateVerdict | null> {
    const { content, stage, models, ports, open } = this.#context;
    const { state: digest, author } = statement;
    const layout = await models.layout(stage);
    try {
      const of = { round: open.r, kind: 'update' } as const;
      const bytesMax = stateCiphertextBytes(layout, open.rule.compression);
      await content.obtain(digest, bytesMax, author, of);
    } catch (error) {
      if (error instanceof GossipError) return 'withheld';
      throw error;
    }
    const outcome = await ports.averager.checkState({
      ...{ layout, rule: ruleOf(this.#context), memberCount: this.#schedule.size },
      state: {
        ...{ ciphertext: contentName(digest), digest, key, context: stepBulkContext(statement) },
        weights: this.#schedule.weights(step, member),
      },
      ...(open.rule.compression && { compression: open.rule.compression }),
    });
    switch (outcome.kind) {
      case 'fits':
      case 'bad':
        return outcome.kind;
      case 'wrong_key':
      case 'damaged':
        return null;
    }
  }
}
