/** The page: follows the node's status and shows what changed. */
import { Charts } from './charts.ts';
import { byId, patch } from './elements.ts';
import { clockText, durationText } from './figures.ts';
import { ring } from './ring.ts';
import {
  facts,
  journal,
  logHead,
  memberRows,
  messages,
  prediction,
  roundRows,
  summary,
} from './sections.ts';
import { follow, type Connection } from './stream.ts';
import type { NodeStatus } from '../node-status.ts';

/** The node's clock fact comes once a second: after so long without one the node stands still, though its server answers. */
const standstillMs = 10_000;

const charts = new Charts(byId('charts'));
let connection: Connection = { state: 'connecting' };
let status: NodeStatus | null = null;
/** When the node's own clock moved last, by this machine's clock. */
let movedMs = Date.now();

function show(next: NodeStatus, changed: ReadonlySet<string>): void {
  if (status?.nowMs !== next.nowMs) movedMs = Date.now();
  status = next;
  const isChanged = (...keys: string[]): boolean => keys.some((key) => changed.has(key));
  const name = next.node.id ?? 'node';
  document.title = next.health.isHealthy ? `${name} · Annulus` : `✗ ${name} · Annulus`;
  byId('title').textContent = `Annulus at ${name}`;
  byId('summary').textContent = summary(next);
  patch(byId('facts'), facts(next));
  patch(byId('member-rows'), memberRows(next));
  if (isChanged('members')) patch(byId('ring'), [ring(next.members)]);
  if (isChanged('messages')) patch(byId('message-list'), messages(next));
  if (isChanged('losses', 'errors', 'consortium')) charts.show(next);
  patch(byId('round-rows'), roundRows(next));
  if (isChanged('log', 'node')) patch(byId('log-head'), logHead(next));
  if (isChanged('prediction')) patch(byId('last-prediction'), prediction(next));
  if (isChanged('journal')) patch(byId('journal-lines'), journal(next));
  tellConnection();
}

function tellConnection(): void {
  const [kind, text] = connectionWords();
  const line = byId('connection');
  // Written only when it changes: it is read out.
  if (line.textContent !== text) line.textContent = text;
  line.className = `stamp ${kind}`;
  document.body.classList.toggle('stale', kind === 'lost');
}

function connectionWords(): readonly ['live' | 'lost' | 'waiting', string] {
  const nowMs = Date.now();
  if (connection.state === 'connecting') return ['waiting', 'connecting'];
  if (connection.state === 'lost') {
    const since = clockText(connection.sinceMs, nowMs);
    return ['lost', `connection lost: this page shows ${since}, and tries again by itself`];
  }
  if (status !== null && nowMs - movedMs > standstillMs) {
    const since = durationText(Math.floor((nowMs - movedMs) / 10_000) * 10_000);
    return ['lost', `the node has said nothing for ${since}: this page shows how it was`];
  }
  return ['live', 'live'];
}

follow({
  onStatus: show,
  onConnection: (next) => {
    connection = next;
    tellConnection();
  },
});
setInterval(tellConnection, 1_000);
