/**
 * A round whose average is exact: every member gets every update and averages them by itself, to the same bytes. The parts:
 * this node's own training, the updates of all, the average of the cut, and who is still there.
 */
import type { NodeId } from '../../../base/index.ts';
import type { Cut, Seal } from '../../../wire/index.ts';
import type { Judgement } from '../../local-view.ts';
import type { RoundMessage } from '../../peer-messages.ts';
import type { RoundContext, RoundProtocol } from '../../round-protocol.ts';
import { UpdatesRound } from '../updates-round.ts';
import { CutAverage } from './cut-average.ts';
import { judgeSameSeal, type AveragedCut } from '../own-seal.ts';
import { RoundUpdates } from '../round-updates.ts';
import { wholeUpdate } from '../whole-update.ts';

/** See the file's header. What its methods promise is said at `RoundProtocol`. */
export class ExactRound extends UpdatesRound implements RoundProtocol {
  protected readonly updates: RoundUpdates;
  readonly #average: CutAverage;

  constructor(context: RoundContext) {
    super(context, wholeUpdate(context));
    this.updates = new RoundUpdates(context, {
      envelopes: this.envelopes,
      onOpened: () => {
        this.#average.goOn();
      },
    });
    this.#average = new CutAverage(context, this.updates);
  }

  // What the rules of blocks ask.

  aggregate(): AveragedCut | null {
    return this.#average.result;
  }

  judgeSeal(seal: Seal): Judgement {
    return judgeSameSeal(seal, this.#average.result);
  }

  smallerCut(): null {
    return null;
  }

  mayLeaveOut(): boolean {
    return false;
  }

  // What the peer tells.

  average(cut: Cut): void {
    this.#average.begin(cut);
  }

  take(from: NodeId, message: RoundMessage): void {
    // What is said in rounds of other kinds is nothing to this one.
    if (message.t === 'update' || message.t === 'holds' || message.t === 'key') {
      this.updates.take(from, message);
    }
  }

  repeat(): void {
    if (this.#average.result !== null) return;
    this.updates.repeat(this.#average.isDue);
    if (this.#average.isDue) this.#average.goOn();
    else this.training.retry();
  }
}
