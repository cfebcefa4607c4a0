/** The status for a terminal: what `annulus status` prints. */
import { printableLine } from '../base/index.ts';
import { absent, bytesText, durationText, fixed, shortDigest } from '../report/index.ts';
import type { MemberStatus } from './member-status.ts';
import type { NodeStatus } from './node-status.ts';
import type { RoundView } from './round-view.ts';

/** Ended rounds that are printed. */
const roundsShown = 5;
const columns = ['member', 'status', 'link', 'heard', 'sent', 'received', 'round', 'height'];
/** Of the member's name, its status and its link stand at the left. */
const leftColumns = 3;

/** Lines for a terminal, with a line break at the end. Nothing in it moves a cursor. */
export function statusText(status: NodeStatus): string {
  return [
    ...headLines(status),
    '',
    ...memberLines(status),
    ...roundLines(status),
    ...messageLines(status),
  ]
    .map((line) => `${printableLine(line)}\n`)
    .join('');
}

function headLines(status: NodeStatus): string[] {
  const { node, consortium, health, nowMs, traffic, disk, log, witnesses } = status;
  const bytes =
    traffic === null
      ? absent
      : `${bytesText(traffic.sentBytes)} sent, ${bytesText(traffic.receivedBytes)} received`;
  const room =
    disk === null ? absent : `${bytesText(disk.freeBytes)} free, ${bytesText(disk.usedBytes)} used`;
  const head =
    log === null
      ? absent
      : `${log.size} entries, root ${shortDigest(log.root)}, ${cosigned(log)}, height ${node.height}`;
  const up =
    node.startedAtMs === null ? absent : durationText(Math.max(0, nowMs - node.startedAtMs));
  return [
    row('node', `${node.id ?? absent}, annulus ${node.program ?? absent}, up ${up}`),
    row('consortium', `${consortium.name ?? absent} ${shortDigest(consortium.id)}`),
    row('health', health.isHealthy ? 'healthy' : `NOT HEALTHY: ${health.reasons.join('; ')}`),
    row('now', nowLine(status)),
    row('traffic', bytes),
    row('disk', room),
    row('log', head),
    ...witnesses.map((one) => row('witness', witnessLine(one))),
  ];
}

function witnessLine({ name, size, problem }: NodeStatus['witnesses'][number]): string {
  return `${name}, cosigned ${size} entries${problem === null ? '' : `; not the last: ${problem}`}`;
}

function cosigned({ cosigners, quorum }: NonNullable<NodeStatus['log']>): string {
  return `cosigned by ${cosigners.length} (${quorum} needed)`;
}

function nowLine({ round, work, deadlineMs, nowMs, node, consortium }: NodeStatus): string {
  if (round === null) return node.isDone ? 'the plan is carried out' : 'no round is under way';
  const { stage, participants, held, state } = round;
  const planned = consortium.stages.find(({ id }) => id === stage);
  const left =
    deadlineMs === null
      ? ''
      : deadlineMs >= nowMs
        ? `, ${durationText(deadlineMs - nowMs)} left`
        : `, ${durationText(nowMs - deadlineMs)} over its time`;
  const progress = work?.progress ?? null;
  const own = progress === null ? '' : `; own ${progress.done} of ${progress.total}`;
  const what =
    state === 'cut' ? 'averaging' : `${held.length} of ${participants.length} updates here`;
  const plan = planned === undefined ? '' : ` (${planned.rounds} rounds)`;
  return `round ${round.round}, ${stage}${plan}: ${what}${left}${own}`;
}

function row(name: string, text: string): string {
  return `${name.padEnd(12)}${text}`;
}

function memberLines({ members, nowMs }: NodeStatus): string[] {
  const cells = members.map((member) => memberCells(member, nowMs));
  const widths = columns.map((name, index) =>
    Math.max(name.length, ...cells.map((each) => each[index]?.length ?? 0)),
  );
  const line = (each: readonly string[]): string =>
    each
      .map((cell, index) => {
        const width = widths[index] as number;
        return index < leftColumns ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [
    line(columns),
    ...members.flatMap(({ reason, remedy }, index) => [
      ...[line(cells[index] ?? []), `    ${reason}`],
      ...(remedy === null ? [] : [`    do: ${remedy}`]),
    ]),
  ];
}

function memberCells(member: MemberStatus, nowMs: number): string[] {
  const { id, isSelf, state, link, layer, lastHeardMs, round, height } = member;
  const heard = lastHeardMs === null ? 'never' : durationText(Math.max(0, nowMs - lastHeardMs));
  return [
    printableLine(isSelf ? `${id} (this)` : id),
    state,
    isSelf ? absent : layer === null ? link : `${link} (${layer})`,
    isSelf ? absent : heard,
    bytesText(member.sentBytes),
    bytesText(member.receivedBytes),
    round === null ? absent : String(round),
    height === null ? absent : String(height),
  ];
}

function roundLines({ rounds, roundCounts }: NodeStatus): string[] {
  if (rounds.length === 0) return [];
  return [
    '',
    `rounds: ${roundCounts.sealed} sealed, ${roundCounts.void} void; the last of them`,
    ...rounds.slice(-roundsShown).map(roundLine),
  ];
}

function roundLine({
  round,
  stage,
  state,
  contributors,
  participants,
  excluded,
  loss,
  voidReason,
  errors,
}: RoundView): string {
  const start = `  ${String(round).padStart(4)}  ${stage}`;
  if (state !== 'sealed') return `${start}  void: ${voidReason ?? absent}`;
  const without = excluded.map(({ node, why }) => `; without ${node}: ${why}`).join('');
  const measured = errors.map(({ task, unit, value }) => `, ${task} ${fixed(value, 2)} ${unit}`);
  return `${start}  ${contributors.length} of ${participants.length}, loss ${fixed(loss, 3)}${measured.join('')}${without}`;
}

function messageLines({ messages }: NodeStatus): string[] {
  if (messages.length === 0) return ['', 'No messages: nothing is wrong.'];
  return messages.flatMap(({ level, text, remedy }) => [
    '',
    `${level.toUpperCase()}: ${text}`,
    ...(remedy === null ? [] : [`  do: ${remedy}`]),
  ]);
}
