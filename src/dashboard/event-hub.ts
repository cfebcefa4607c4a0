/** Pushes what changed in a node's status to every open page, a few times a second at most. */
import type { CancelTimer, Clock } from '../base/index.ts';
import type { NodeStatus } from './node-status.ts';

/** Changed parts of a status: its keys with their new values. */
export type StatusChange = Partial<NodeStatus>;

/** Takes one event of the stream; resolves when the reader has room for the next. */
export type SendEvent = (event: 'change' | 'ping', data: string) => Promise<void>;

/** What the hub works with. */
export interface EventHubOptions {
  readonly clock: Clock;
  readonly pushMsMin: number;
  readonly pingMs: number;
  readonly streamsMax: number;
  readonly status: () => NodeStatus;
}

interface Stream {
  readonly send: SendEvent;
  readonly end: () => void;
  /** The JSON of each key that this reader has. */
  readonly sent: Map<string, string>;
  /** A reader that is slow is passed over: the next push brings all that it missed. */
  isBusy: boolean;
  isBehind: boolean;
  /** Pings that found it busy. */
  busyPings: number;
}

/** A reader that takes nothing for so many pings is gone. */
const busyPingsMax = 6;

/** The open streams of one server. */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #streams = new Set<Stream>();
  #cancelPush: CancelTimer | null = null;
  #cancelPing: CancelTimer | null = null;

  constructor(options: EventHubOptions) {
    this.#options = options;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  get isFull(): boolean {
    return this.#streams.size >= this.#options.streamsMax;
  }

  /**
   * A reader, who gets the whole status at once and then what changes.
   *
   * @param end called when the hub gives the reader up
   * @returns to be called when the reader is gone
   */
  open(send: SendEvent, end: () => void): () => void {
    const flags = { isBusy: false, isBehind: false, busyPings: 0 };
    const stream: Stream = { send, end, sent: new Map(), ...flags };
    this.#streams.add(stream);
    this.#push(stream, serialised(this.#options.status()));
    if (this.#cancelPing === null) this.#schedulePing();
    return () => {
      this.#drop(stream);
    };
  }

  /** The status may be another one. */
  changed(): void {
    if (this.#cancelPush !== null || this.#streams.size === 0) return;
    const { clock, pushMsMin, status } = this.#options;
    this.#cancelPush = clock.setTimer(pushMsMin, () => {
      this.#cancelPush = null;
      const parts = serialised(status());
      for (const stream of this.#streams) this.#push(stream, parts);
    });
  }

  /** Ends every stream and every timer. */
  close(): void {
    for (const stream of this.#streams) this.#drop(stream);
  }

  #drop(stream: Stream): void {
    if (!this.#streams.delete(stream)) return;
    if (this.#streams.size === 0) this.#rest();
    stream.end();
  }

  #rest(): void {
    this.#cancelPush?.();
    this.#cancelPing?.();
    this.#cancelPush = null;
    this.#cancelPing = null;
  }

  #schedulePing(): void {
    const { clock, pingMs } = this.#options;
    this.#cancelPing = clock.setTimer(pingMs, () => {
      this.#schedulePing();
      for (const stream of this.#streams) {
        if (stream.isBusy && ++stream.busyPings >= busyPingsMax) this.#drop(stream);
        else this.#send(stream, 'ping', '0');
      }
    });
  }

  #push(stream: Stream, parts: ReadonlyMap<string, string>): void {
    stream.isBehind = stream.isBusy;
    if (stream.isBusy) return;
    const fresh = [...parts].filter(([key, json]) => stream.sent.get(key) !== json);
    if (fresh.length === 0) return;
    for (const [key, json] of fresh) stream.sent.set(key, json);
    const body = fresh.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',');
    this.#send(stream, 'change', `{${body}}`);
  }

  #send(stream: Stream, event: 'change' | 'ping', data: string): void {
    if (stream.isBusy) return;
    stream.isBusy = true;
    stream
      .send(event, data)
      .then(() => {
        stream.isBusy = false;
        stream.busyPings = 0;
        if (stream.isBehind) this.changed();
      })
      .catch(() => {
        this.#drop(stream);
      });
  }
}

function serialised(status: NodeStatus): Map<string, string> {
  return new Map(Object.entries(status).map(([key, value]) => [key, JSON.stringify(value)]));
}
