/** The round that the chain says is under way, if any, and the protocol that carries it out on this node. */
import { invariant } from '../base/index.ts';
import { envelopeDigests } from '../audit/index.ts';
import type { BlockBody, Open, Plan } from '../wire/index.ts';
import { noRound, type RoundView } from './local-view.ts';
import { stageOf, type ChainState } from './chain.ts';
import type { Task } from './event-queue.ts';
import type { PlanModels } from './plan-models.ts';
import type { RoundContext, RoundProtocol } from './round-protocol.ts';
import { beginRound } from './rounds/protocols.ts';

/** What every round is given, whichever it is. */
export interface CurrentRoundPorts extends Omit<
  RoundContext,
  'open' | 'stage' | 'roundsSealed' | 'before' | 'teachers' | 'isCurrent' | 'isStopped' | 'post'
> {
  readonly plan: Plan;
  readonly planModels: PlanModels;
  /** Whether the peer has stopped. */
  readonly isStopped: () => boolean;
  /** Runs a task in the peer's queue, and asks consensus again after it. */
  readonly post: (task: Task) => void;
}

/** See the file's header. */
export class CurrentRound {
  readonly #ports: CurrentRoundPorts;
  #protocol: RoundProtocol | null = null;

  constructor(ports: CurrentRoundPorts) {
    this.#ports = ports;
  }

  /** The protocol of the round under way; null between rounds. */
  get protocol(): RoundProtocol | null {
    return this.#protocol;
  }

  /** What the rules of blocks may know of it. */
  get view(): RoundView {
    return this.#protocol ?? noRound;
  }

  /** The envelopes that a block names if all are here; null otherwise. */
  envelopesOf(body: Pick<BlockBody, 'ops'>): Uint8Array[] | null {
    const found = envelopeDigests(body).map((env) => this.#protocol?.envelope(env) ?? null);
    return found.every((bytes) => bytes !== null) ? found : null;
  }

  /** Ends the round under way: what its work still brings is dropped. */
  close(): void {
    this.#protocol = null;
  }

  /** The protocol of the round that `open` opened, begun if it was not. @param state with that round under way */
  enter(open: Open, state: ChainState): RoundProtocol {
    if (this.#protocol?.open.r === open.r) return this.#protocol;
    const { plan, planModels, isStopped, post, ...same } = this.#ports;
    const stage = stageOf(state, plan);
    invariant(stage?.id === open.stage, 'an open round is of the stage under way');
    const isCurrent = (): boolean => this.#protocol === protocol;
    const protocol: RoundProtocol = beginRound({
      ...same,
      isStopped,
      ...{ open, stage, roundsSealed: state.roundsSealed },
      before: state.bases.get(stage.id) ?? null,
      teachers: () => planModels.teachers(state),
      isCurrent: () => isCurrent() && !isStopped(),
      post: (task) => {
        post(() => (isCurrent() ? task() : undefined));
      },
    });
    this.#protocol = protocol;
    return protocol;
  }
}
