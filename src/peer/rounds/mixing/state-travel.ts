/** How a member's states travel in a mixing: whole, or where the rule says so as compressed changes, and which files that needs. */
import type {
  Compressed,
  MixingSchedule,
  MixStepJob,
  SentCompressed,
} from '../../../gossip/index.ts';
import type { ModelLayout } from '../../../weights/index.ts';
import type { RoundContext } from '../../round-protocol.ts';
import { ruleOf } from '../round-start.ts';

/** See the file's header. Members are counted as the CUT has them. */
export class StateTravel {
  readonly #context: RoundContext;
  readonly #schedule: MixingSchedule;
  readonly #name: (what: string) => string;

  /** @param name of a file of this mixing */
  constructor(context: RoundContext, schedule: MixingSchedule, name: (what: string) => string) {
    this.#context = context;
    this.#schedule = schedule;
    this.#name = name;
  }

  /** How the own state of a step is sent; null for as it is. */
  sent(step: number, place: number, layout: ModelLayout): SentCompressed | null {
    const compressed = this.received(step, place);
    if (compressed === null) return null;
    const { size: memberCount } = this.#schedule;
    const weights = this.#schedule.weights(step, place);
    return { ...compressed, layout, rule: ruleOf(this.#context), memberCount, weights };
  }

  /** How a member's state of a step comes; null for as it is. */
  received(step: number, place: number): Compressed | null {
    const { compression: kind } = this.#context.open.rule;
    if (kind === undefined) return null;
    const reference = this.#schedule.reference(step, place);
    return {
      kind,
      reference: reference === null ? null : this.#shown(reference, place),
      public: this.#shown(step, place),
    };
  }

  /** The own state before a step, and what of it stays. */
  own(step: number, place: number): MixStepJob['own'] {
    const links = this.#schedule.incoming(step, place);
    const share = links.find(({ from }) => from === place)?.weight ?? 0;
    const state = this.#name(`${step}.state`);
    const isWhole = this.#context.open.rule.compression === undefined;
    return { state, share, ...(!isWhole && { public: this.#shown(step, place) }) };
  }

  /** What everybody takes a member's state of a step for. */
  #shown(step: number, place: number): string {
    return this.#name(`${step}-of-${place}.shown`);
  }
}
