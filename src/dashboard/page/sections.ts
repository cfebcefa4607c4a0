/** What stands in each section of the page: the status in words, numbers and rows. */
import type { MemberStatus } from '../member-status.ts';
import type { NodeStatus } from '../node-status.ts';
import type { RoundView } from '../round-view.ts';
import { element, type Child } from './elements.ts';
import {
  absent,
  agoText,
  bytesText,
  clockText,
  durationText,
  fixed,
  shortDigest,
} from './figures.ts';

/** Rows that are shown of the rounds. */
const roundsShown = 20;

/** The figures at the top. */
export function facts(status: NodeStatus): Element[] {
  const { members, consortium, log, disk, traffic, node, nowMs, health, roundCounts } = status;
  const present = members.filter(({ isMember }) => isMember);
  const up = present.filter(({ link }) => link === 'connected' || link === 'self').length;
  const isShort = up < consortium.quorum;
  const uptime =
    node.startedAtMs === null ? absent : durationText(wholeMinutes(nowMs - node.startedAtMs));
  return [
    roundFact(status),
    fact(
      'members here',
      `${up}`,
      ` of ${present.length}`,
      `${consortium.quorum} must agree`,
      isShort,
    ),
    fact('rounds', `${roundCounts.sealed}`, ' sealed', `${roundCounts.void} without a model`),
    fact(
      'log',
      log === null ? absent : `${log.size}`,
      ' entries',
      log === null ? '' : `cosigned by ${log.cosigners.length}, ${log.quorum} needed`,
    ),
    fact(
      'disk free',
      disk === null ? absent : bytesText(disk.freeBytes),
      '',
      disk === null ? '' : `${bytesText(disk.usedBytes)} used by the node`,
    ),
    fact(
      'sent',
      traffic === null ? absent : bytesText(traffic.sentBytes),
      '',
      traffic === null ? '' : `${bytesText(traffic.receivedBytes)} received`,
    ),
    fact(
      'this node',
      health.isHealthy ? '✓ healthy' : '✗ not healthy',
      '',
      `up ${uptime}`,
      !health.isHealthy,
    ),
  ];
}

function roundFact({ round, deadlineMs, nowMs, work, node }: NodeStatus): Element {
  if (round === null)
    return fact(
      'round',
      node.isDone ? 'done' : 'none',
      '',
      node.isDone ? 'the plan is carried out' : 'the next begins by itself',
    );
  const left =
    deadlineMs === null
      ? ''
      : deadlineMs >= nowMs
        ? `, ${durationText(wholeSeconds(deadlineMs - nowMs))} left`
        : `, ${durationText(wholeSeconds(nowMs - deadlineMs))} late`;
  const progress = work?.progress ?? null;
  const own = progress === null ? '' : `, own ${progress.done} of ${progress.total}`;
  const what =
    round.state === 'cut'
      ? 'averaging'
      : `${round.held.length} of ${round.participants.length} updates`;
  return fact(`round of ${round.stage}`, String(round.round), '', `${what}${own}${left}`);
}

function fact(name: string, figure: string, unit: string, more: string, isBad = false): Element {
  return element(
    'div',
    {},
    element('dt', {}, name),
    element(
      'dd',
      { class: `figure${/[a-z]{5}/.test(figure) ? ' words' : ''}${isBad ? ' bad' : ''}` },
      figure,
      unit === '' ? null : element('small', {}, unit),
    ),
    element('dd', { class: 'more' }, more),
  );
}

function wholeSeconds(ms: number): number {
  return Math.round(ms / 1000) * 1000;
}

function wholeMinutes(ms: number): number {
  return ms < 60_000 ? wholeSeconds(ms) : Math.floor(ms / 60_000) * 60_000;
}

/** What is wrong, with its remedy. */
export function messages({ messages: all, nowMs }: NodeStatus): Element[] {
  if (all.length === 0)
    return [element('li', { class: 'none' }, element('p', {}, 'Nothing is wrong.'))];
  return all.map(({ level, text, remedy, atMs }) =>
    element(
      'li',
      { class: level },
      element(
        'p',
        {},
        element('span', { class: `word ${level}` }, `${level}: `),
        `${text} `,
        atMs > 0 && level !== 'info'
          ? element('span', { class: 'since' }, `since ${clockText(atMs, nowMs)}`)
          : null,
      ),
      remedy === null ? null : element('p', {}, 'What to do: ', remedy),
    ),
  );
}

/** A row for each member. */
export function memberRows({ members, nowMs }: NodeStatus): Element[] {
  return members.map((member) => {
    const { id, isSelf, state, reason, round, height, sentBytes, receivedBytes } = member;
    return element(
      'tr',
      {},
      element(
        'th',
        { scope: 'row' },
        id,
        isSelf ? element('span', { class: 'quiet' }, ' (this node)') : null,
      ),
      element(
        'td',
        { class: 'status' },
        element('span', { class: `word ${state}` }, state),
        element('span', { class: 'reason' }, reason),
      ),
      linkCell(member),
      cell(isSelf ? absent : heard(member, nowMs)),
      cell(bytesText(sentBytes)),
      cell(bytesText(receivedBytes)),
      cell(round === null ? absent : String(round)),
      cell(height === null ? absent : String(height)),
    );
  });
}

function heard({ lastHeardMs }: MemberStatus, nowMs: number): string {
  return lastHeardMs === null ? 'never' : agoText(Math.max(0, nowMs - lastHeardMs));
}

function linkCell({ isSelf, link, layer }: MemberStatus): Element {
  if (isSelf) return cell(absent, 'left');
  const words = layer === null ? link : `${link} (${layer})`;
  return element(
    'td',
    { class: 'left' },
    element('span', { class: link === 'connected' ? '' : `word ${link}` }, words),
  );
}

function cell(text: Child, kind: string | null = null): Element {
  return element('td', { class: kind }, text);
}

/** The round under way, then those that ended, newest first. */
export function roundRows({ round, rounds, nowMs }: NodeStatus): Element[] {
  const ended = [...rounds].reverse().slice(0, roundsShown);
  return (round === null ? ended : [round, ...ended]).map((each) => roundRow(each, nowMs));
}

function roundRow(view: RoundView, nowMs: number): Element {
  const { round, stage, state, contributors, participants, held, loss, updateBytes, height } = view;
  const took =
    state === 'open'
      ? `${held.length} of ${participants.length}`
      : `${contributors.length} of ${participants.length}`;
  const without = view.excluded.map(({ node, why }) => `${node}: ${why}`).join('; ');
  const { openedAtMs, endedAtMs } = view;
  const ms = openedAtMs === null ? null : (endedAtMs ?? nowMs) - openedAtMs;
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, round),
    cell(stage, 'left'),
    element('td', { class: 'left' }, element('span', { class: `word ${state}` }, state)),
    cell(took),
    cell(fixed(loss, 3)),
    cell(updateBytes === 0 ? absent : bytesText(updateBytes)),
    cell(ms === null ? absent : durationText(wholeSeconds(Math.max(0, ms)))),
    cell(height === null ? absent : String(height)),
    cell(state === 'void' ? (view.voidReason ?? '') : without === '' ? absent : without, 'why'),
  );
}

/** The log's head. */
export function logHead({ log, node }: NodeStatus): Element[] {
  const rows: readonly (readonly [string, Child])[] =
    log === null
      ? [['head', 'none yet']]
      : [
          ['entries', String(log.size)],
          ['root', element('code', {}, log.root)],
          ['height', String(node.height)],
          [
            'cosigned by',
            `${log.cosigners.join(', ') || 'nobody yet'} (${log.cosigners.length}, ${log.quorum} needed${log.cosigners.length >= log.quorum ? ': cosigned' : ''})`,
          ],
        ];
  return rows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]);
}

/** The last prediction in an own case. */
export function prediction({ prediction: last, nowMs }: NodeStatus): Element[] {
  if (last === null) return [element('p', { class: 'quiet' }, 'no prediction yet')];
  const { caption, picture, atMs } = last;
  return [
    ...(picture === null ? [] : [element('img', { src: picture, alt: caption })]),
    element(
      'figcaption',
      {},
      `${caption} `,
      element('span', { class: 'quiet' }, clockText(atMs, nowMs)),
    ),
  ];
}

/** What happened, newest first. */
export function journal({ journal: entries, nowMs }: NodeStatus): Element[] {
  return [...entries]
    .reverse()
    .map(({ atMs, level, text }) =>
      element(
        'li',
        {},
        element('time', {}, clockText(atMs, nowMs)),
        element(
          'span',
          {},
          level === 'info' ? null : element('span', { class: `word ${level}` }, `${level}: `),
          text,
        ),
      ),
    );
}

/** The line under the heading. */
export function summary({ consortium, node, members }: NodeStatus): string {
  const count = members.filter(({ isMember }) => isMember).length;
  const name = consortium.name ?? 'no consortium yet';
  return `${name} ${shortDigest(consortium.id)}, ${count} members, nobody in the middle; annulus ${node.program ?? absent}`;
}
