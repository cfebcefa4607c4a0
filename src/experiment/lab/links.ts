/** What happens to a message between two nodes, from the settings or from a file. */
import { hashedUniform } from './hashed-chance.ts';
import type { TracedLink } from './link-trace.ts';
import type { LabSettings } from './settings.ts';

/** Names of what chance decides, so that one does not follow another. */
const delayDraw = 1;
const directionDraw = 2;
const lossDraw = 3;

/** Exchanges of a round are fewer. */
const stepsMax = 64;

/** Which message of a pair. */
export interface Sending {
  readonly round: number;
  readonly step: number;
  /** 0: sent for the first time. */
  readonly attempt: number;
}

/** The network of a run. It keeps nothing: the same question has the same answer. */
export class Links {
  readonly #settings: Pick<LabSettings, 'seed' | 'nodes' | 'links'>;
  readonly #traced: ReadonlyMap<number, TracedLink> | null;

  /** @param trace links from a file, in place of those of the settings; a pair that it lacks has no link */
  constructor(
    settings: Pick<LabSettings, 'seed' | 'nodes' | 'links'>,
    trace: readonly TracedLink[] | null,
  ) {
    this.#settings = settings;
    this.#traced =
      trace === null
        ? null
        : new Map(trace.map((link) => [link.from * settings.nodes + link.to, link]));
  }

  /** From the last byte's departure to its arrival, ms. */
  delayMs(from: number, to: number): number {
    const { seed, nodes, links } = this.#settings;
    if (this.#traced !== null) return this.#traced.get(from * nodes + to)?.delayMs ?? Infinity;
    const [low, high] = from < to ? [from, to] : [to, from];
    const own = links.delayMs + links.delayMsSpread * hashedUniform(seed, delayDraw, low, high);
    return own * this.#slowing(from, to);
  }

  /** Time that `bytes` take to leave, ms. */
  sendMs(from: number, to: number, bytes: number): number {
    const { nodes, links } = this.#settings;
    const traced = this.#traced?.get(from * nodes + to)?.bytesPerSecond;
    const rate = traced ?? links.bytesPerSecond / this.#slowing(from, to);
    return rate === 0 ? 0 : (1000 * bytes) / rate;
  }

  /** Whether the message of an exchange is lost. */
  isLost(from: number, to: number, { round, step, attempt }: Sending): boolean {
    const { seed, nodes, links } = this.#settings;
    const rate =
      this.#traced === null ? links.lossRate : (this.#traced.get(from * nodes + to)?.lossRate ?? 1);
    return (
      rate > 0 && hashedUniform(seed, lossDraw, from, to, round * stepsMax + step, attempt) < rate
    );
  }

  /** One direction of a pair is as fast as the settings say, the other slower by up to `asymmetry`. */
  #slowing(from: number, to: number): number {
    const { seed, links } = this.#settings;
    if (links.asymmetry === 1) return 1;
    const [low, high] = from < to ? [from, to] : [to, from];
    const draw = hashedUniform(seed, directionDraw, low, high);
    // The draw's first bit says which direction, the rest how much.
    const isSlow = draw < 0.5 === from < to;
    return isSlow ? links.asymmetry ** ((2 * draw) % 1) : 1;
  }
}
