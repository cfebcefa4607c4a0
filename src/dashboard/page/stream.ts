/** The stream of changes: it connects again by itself, for as long as the page is open. */
import type { NodeStatus } from '../node-status.ts';

/** What the page knows of its connection. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** Nothing came for a while, or the connection ended; the page shows what was at `sinceMs` of this machine's clock. */
  | { readonly state: 'lost'; readonly sinceMs: number };

/** Who hears of it. */
export interface StreamListener {
  readonly onStatus: (status: NodeStatus, changed: ReadonlySet<string>) => void;
  readonly onConnection: (connection: Connection) => void;
}

/** The server pings every 5 s. */
const silenceMsMax = 12_000;
const retryMsMin = 1_000;
const retryMsMax = 15_000;
const checkMs = 1_000;

/** Follows `/events` for ever. */
export function follow({ onStatus, onConnection }: StreamListener): void {
  let status: NodeStatus | null = null;
  let heardMs = Date.now();
  let retryMs = retryMsMin;
  let source: EventSource | null = null;
  let isLost = false;

  const lost = (): void => {
    source?.close();
    source = null;
    if (!isLost) onConnection({ state: 'lost', sinceMs: heardMs });
    isLost = true;
    setTimeout(connect, retryMs);
    retryMs = Math.min(2 * retryMs, retryMsMax);
  };
  const heard = (): void => {
    heardMs = Date.now();
    retryMs = retryMsMin;
    isLost = false;
    onConnection({ state: 'live' });
  };
  const connect = (): void => {
    const opened = new EventSource('/events');
    source = opened;
    let isFirst = true;
    opened.addEventListener('change', (event: MessageEvent<string>) => {
      const change = JSON.parse(event.data) as Partial<NodeStatus>;
      // The first of a connection is the whole status, also of a node that was started anew.
      status = (isFirst ? change : { ...status, ...change }) as NodeStatus;
      isFirst = false;
      heard();
      onStatus(status, new Set(Object.keys(change)));
    });
    opened.addEventListener('ping', heard);
    opened.addEventListener('error', () => {
      if (source === opened) lost();
    });
  };

  onConnection({ state: 'connecting' });
  connect();
  setInterval(() => {
    // A machine that slept, or a cable that was pulled: no error comes, and nothing else either.
    if (source !== null && Date.now() - heardMs > silenceMsMax) lost();
  }, checkMs);
}
