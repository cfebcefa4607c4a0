/** What happened, line by line: only what a person would want to read, not every fact. */
import type { JournalEntry, NodeEvent, NodeView } from './node-view.ts';
import { linkWords } from './link-words.ts';
import type { MessageLevel, Notice } from './node-facts.ts';
import { historyNotice } from './restart-notices.ts';

/** The line that `event` is worth, or null. @param view before it */
export function journalLine(view: NodeView, event: NodeEvent): Omit<JournalEntry, 'number'> | null {
  const line = lineOf(view, event);
  // What the log tells again, and what was decided while this node was off.
  const isEarlier = line !== null && event.kind in ofBlocks && line.atMs < startOf(view);
  return isEarlier ? { ...line, text: `earlier: ${line.text}` } : line;
}

/** Events of blocks: their time is the block's. */
const ofBlocks = { opened: true, sealed: true, void: true };

function startOf({ identity }: NodeView): number {
  return identity?.atMs ?? 0;
}

function lineOf(view: NodeView, event: NodeEvent): Omit<JournalEntry, 'number'> | null {
  const line = (text: string, level: MessageLevel = 'info', atMs = view.nowMs) => ({
    ...{ atMs, level, text },
  });
  switch (event.kind) {
    case 'opened': {
      const { round, stage, participants, atMs } = event;
      return line(`round ${round} of ${stage} began with ${participants.length}`, 'info', atMs);
    }
    case 'sealed': {
      const { text, level } = sealedWords(event);
      return line(text, level, event.atMs);
    }
    case 'void':
      return line(`round ${event.round} ended without a model`, 'warning', event.atMs);
    case 'caught-up':
      return line(`caught up to height ${event.height}`);
    case 'left': {
      const { height, version } = event;
      const when = `at height ${height}, by version ${version} of the manifest`;
      return line(`this hospital left the consortium ${when}`, 'warning');
    }
    case 'done':
      return line('the plan is carried out');
    case 'started':
      return line(`the node of ${event.self} started`, 'info', event.atMs);
    case 'link': {
      const found = linkLine(view, event);
      return found === null ? null : line(found.text, found.level, event.link.sinceMs);
    }
    case 'suspended':
      return line(`${event.member} has no vote any more: it broke the rules`, 'warning');
    case 'restart':
    case 'fork':
      return line(...wordsOf(historyNotice(event, view.nowMs)));
    case 'false-sum':
      return line(`${event.member} signed a false sum in round ${event.round}`, 'warning');
    case 'retired':
      return line('the key of this node has no vote any more', 'warning');
    case 'members':
      return line(`there are ${event.members.length} members now`, 'info', event.atMs);
    case 'notice': {
      const { code, text, level, atMs } = event;
      const isSaid = view.notices.some((one) => one.code === code && one.text === text);
      return isSaid ? null : line(text, level, atMs);
    }
    case 'notice-over':
      return line(overWords(view, event.code));
    case 'prediction':
      return line('a new prediction in an own case', 'info', event.atMs);
    case 'membership':
    case 'heard':
    case 'working':
    case 'announced':
    case 'cut':
    case 'clock':
    case 'manifest':
    case 'traffic':
    case 'chunks':
    case 'disk':
    case 'log-head':
    case 'outside-witnesses':
    case 'deadline':
    case 'update-held':
    case 'left-out':
    case 'round-error':
      return null;
  }
}

function overWords({ notices }: NodeView, code: string): string {
  return `over: ${notices.find((one) => one.code === code)?.text ?? code}`;
}

function sealedWords({
  round,
  stage,
  participants,
  excluded,
}: Extract<NodeEvent, { kind: 'sealed' }>): Pick<Notice, 'text' | 'level'> {
  const without = excluded.length === 0 ? '' : `, without ${excluded.join(', ')}`;
  const text = `round ${round} of ${stage} is sealed: ${participants.length} contributed${without}`;
  return { text, level: excluded.length === 0 ? 'info' : 'warning' };
}

function wordsOf({ text, level }: Notice): [string, MessageLevel] {
  return [text, level];
}

/** A link that stands or does not, where it was otherwise before. */
function linkLine(
  { members }: NodeView,
  { member, link }: Extract<NodeEvent, { kind: 'link' }>,
): { readonly text: string; readonly level: MessageLevel } | null {
  const before = members.find(({ id }) => id === member)?.link ?? null;
  const isSame = before?.state === link.state && before.layer === link.layer;
  if (link.state === 'dialing' || isSame) return null;
  const level = link.state === 'unreachable' ? 'warning' : 'info';
  return { text: `${member}: ${linkWords(link)}`, level };
}
