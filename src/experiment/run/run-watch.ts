/** Hears what the peers of a run tell, and says who waits for what when nothing moves. */
import type { Clock, NodeId } from '../../base/index.ts';
import type { PeerEvent } from '../../peer/index.ts';
import { missingLinks, type ConnectableNode } from './connect-all.ts';

/** A round as far as the watchers know it. */
interface WatchedRound {
  readonly round: number;
  readonly stage: string;
  readonly participants: readonly NodeId[];
  readonly announced: Set<NodeId>;
  cut: readonly NodeId[] | null;
}

/** Whom the watch hears, and when it speaks. */
export interface RunWatchOptions {
  readonly clock: Clock;
  readonly nodes: () => readonly Pick<ConnectableNode, 'id' | 'connected'>[];
  /** Quiet for so long, the run says why; then again after twice as long, and so on. ms */
  readonly quietMsMax: number;
  readonly onQuiet: (quietMs: number, text: string) => void;
}

/** How often the watch looks, ms. */
const lookMs = 5_000;

/** See the file's header. */
export class RunWatch {
  readonly #options: RunWatchOptions;
  readonly #working = new Map<NodeId, string>();
  readonly #done = new Set<NodeId>();
  #round: WatchedRound | null = null;
  #movedAtMs: number;
  #sayAfterMs: number;
  #cancel: () => void = () => undefined;

  constructor(options: RunWatchOptions) {
    this.#options = options;
    this.#movedAtMs = options.clock.nowMs();
    this.#sayAfterMs = options.quietMsMax;
  }

  start(): void {
    this.#cancel = this.#options.clock.setTimer(lookMs, () => {
      const quietMs = this.#options.clock.nowMs() - this.#movedAtMs;
      if (quietMs >= this.#sayAfterMs) {
        this.#sayAfterMs *= 2;
        this.#options.onQuiet(quietMs, this.describe());
      }
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  heard(node: NodeId, event: PeerEvent): void {
    // A heartbeat moves nothing.
    if (event.kind === 'heard') return;
    this.#movedAtMs = this.#options.clock.nowMs();
    this.#sayAfterMs = this.#options.quietMsMax;
    this.#working.delete(node);
    switch (event.kind) {
      case 'opened':
        if ((this.#round?.round ?? 0) >= event.round) return;
        this.#round = { ...event, announced: new Set(), cut: null };
        return;
      case 'working': {
        const { done, total } = event.progress;
        const share = total > 0 ? ` (${done} of ${total})` : '';
        this.#working.set(
          node,
          `${node} ${event.work === 'train' ? 'trains' : 'prepares'}${share}`,
        );
        return;
      }
      case 'announced':
        this.#round?.announced.add(node);
        return;
      case 'cut':
        if (this.#round?.round === event.round) this.#round.cut = event.nodes;
        return;
      case 'done':
      case 'left':
        this.#done.add(node);
        return;
      case 'update-held':
      case 'sealed':
      case 'void':
      case 'caught-up':
      case 'membership':
      case 'restart':
      case 'fork':
      case 'false-sum':
      case 'suspended':
      case 'retired':
    }
  }

  /** Phase, what is missing in it, and who is not connected. */
  describe(): string {
    const nodes = this.#options.nodes();
    const links = missingLinks(nodes);
    const connected =
      links.length === 0
        ? `all ${nodes.length} are connected`
        : `not connected: ${links.slice(0, 4).join(', ')}${links.length > 4 ? ', …' : ''}`;
    return `${this.#phase(nodes.map(({ id }) => id))}; ${connected}`;
  }

  #phase(ids: readonly NodeId[]): string {
    if (this.#done.size > 0) {
      const waiting = ids.filter((id) => !this.#done.has(id));
      return `the plan is carried out; ${waiting.join(' ')} still waits for signatures under its log, or for a model`;
    }
    const round = this.#round;
    if (round === null)
      return 'no round was opened: the votes of a quorum for the first one are missing';
    const name = `round ${round.round} (${round.stage})`;
    if (round.cut !== null) {
      return `${name} waits for its average: votes of a quorum for the SEAL are missing`;
    }
    const missing = round.participants.filter((id) => !round.announced.has(id));
    if (missing.length === 0) {
      return `${name} has all updates: votes of a quorum for the CUT are missing`;
    }
    const busy = [...this.#working.values()];
    return `${name} waits for the updates of ${missing.join(' ')}${busy.length > 0 ? `; ${busy.join(', ')}` : ''}`;
  }
}
