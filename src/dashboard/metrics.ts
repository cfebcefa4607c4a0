/**
 * The status as Prometheus' text format 0.0.4. Names are `annulus_<subsystem>_<name>_<unit>`; counters end with `_total`, what
 * is 0 or 1 with `_state`, and what is 1 beside its labels with `_info`.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { MemberState, MemberStatus } from './member-status.ts';
import type { NodeStatus } from './node-status.ts';

/** One value with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All values of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  /** Empty while nothing is known: the family is left out. */
  readonly samples: readonly Sample[];
}

const memberStates: readonly MemberState[] = [
  ...(['registered', 'configured', 'connected', 'training', 'contributed', 'excluded'] as const),
];

/** Every family there is, in a fixed order. */
export function metricFamilies(status: NodeStatus): readonly MetricFamily[] {
  return [
    ...nodeFamilies(status),
    ...networkFamilies(status),
    ...memberFamilies(status.members),
    ...roundFamilies(status),
    ...learningFamilies(status),
    ...chunkFamilies(status),
    ...storeFamilies(status),
  ];
}

/** The body of `/metrics`. */
export function renderMetrics(status: NodeStatus): string {
  return metricFamilies(status)
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples }) => [
      `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(({ labels, value }) => `${name}${labelText(labels)} ${numberText(value)}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function labelText(labels: Sample['labels']): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

function gauge(name: string, help: string, value: number | null): MetricFamily {
  return gauges(name, help, value === null ? [] : [{ labels: {}, value }]);
}

function gauges(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'gauge', help, samples };
}

function counter(name: string, help: string, value: number | null): MetricFamily {
  return { ...gauge(name, help, value), type: 'counter' };
}

function counters(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { ...gauges(name, help, samples), type: 'counter' };
}

/** A truth as Prometheus has it. */
function state(isSo: boolean): number {
  return isSo ? 1 : 0;
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

function nodeFamilies({ node, consortium, nowMs, health, messages }: NodeStatus): MetricFamily[] {
  const info = {
    version: node.program ?? '',
    node: node.id ?? '',
    consortium: consortium.id ?? '',
  };
  const open = (['error', 'warning', 'info'] as const).map((level) => ({
    labels: { level },
    value: messages.filter((message) => message.level === level).length,
  }));
  return [
    gauges('annulus_node_build_info', 'Program, node and consortium.', [
      { labels: info, value: 1 },
    ]),
    gauge(
      'annulus_node_start_time_seconds',
      'When this process started, Unix time.',
      seconds(node.startedAtMs),
    ),
    gauge(
      'annulus_node_reported_time_seconds',
      'Last sign of life of the node, Unix time.',
      nowMs / 1000,
    ),
    gauge(
      'annulus_node_healthy_state',
      'Whether this node does its work, as /healthz says.',
      state(health.isHealthy),
    ),
    gauges('annulus_node_messages_count', 'Messages that hold now, by level.', open),
  ];
}

function networkFamilies({ traffic, members, consortium, node }: NodeStatus): MetricFamily[] {
  const connected = members.filter(({ link }) => link === 'connected').length;
  const count = members.filter(({ isMember }) => isMember).length;
  return [
    counter(
      'annulus_network_sent_bytes_total',
      'Bytes sent to members, all connections.',
      traffic?.sentBytes ?? null,
    ),
    counter(
      'annulus_network_received_bytes_total',
      'Bytes received from members, all connections.',
      traffic?.receivedBytes ?? null,
    ),
    gauge(
      'annulus_network_connected_members_count',
      'Other members that are connected.',
      connected,
    ),
    gauge('annulus_consensus_members_count', 'Members of the consortium, with this node.', count),
    gauge('annulus_consensus_quorum_count', 'Members that must agree.', consortium.quorum),
    gauge(
      'annulus_consensus_height_blocks',
      'Highest agreed block that is known here.',
      node.height,
    ),
  ];
}

function memberFamilies(members: readonly MemberStatus[]): MetricFamily[] {
  const each = (valueOf: (member: MemberStatus) => number | null, who = members): Sample[] =>
    who.flatMap((member) => {
      const value = valueOf(member);
      return value === null ? [] : [{ labels: { member: member.id }, value }];
    });
  const others = members.filter(({ link }) => link !== 'self' && link !== 'unknown');
  const words = members.flatMap(({ id, state: word }) =>
    memberStates.map((name) => ({
      labels: { member: id, status: name },
      value: state(name === word),
    })),
  );
  return [
    gauges(
      'annulus_member_status_state',
      'How far a member has come: 1 for its status, 0 for all others.',
      words,
    ),
    gauges(
      'annulus_member_connected_state',
      'Whether another member is connected.',
      each(({ link }) => state(link === 'connected'), others),
    ),
    gauges(
      'annulus_member_heard_time_seconds',
      'When a member was heard last, Unix time.',
      each(({ lastHeardMs }) => seconds(lastHeardMs), others),
    ),
    counters(
      'annulus_member_sent_bytes_total',
      'Bytes sent to a member.',
      each(({ sentBytes }) => sentBytes, others),
    ),
    counters(
      'annulus_member_received_bytes_total',
      'Bytes received from a member.',
      each(({ receivedBytes }) => receivedBytes, others),
    ),
    gauges(
      'annulus_member_height_blocks',
      'Height that a member said last.',
      each(({ height }) => height),
    ),
    counters(
      'annulus_member_contributed_rounds_total',
      "Sealed rounds that have a member's update.",
      each(({ contributedCount }) => contributedCount),
    ),
    counters(
      'annulus_member_excluded_rounds_total',
      'Sealed rounds that asked for a member and have no update of it.',
      each(({ excludedCount }) => excludedCount),
    ),
  ];
}

function roundFamilies({ round, rounds, roundCounts, deadlineMs }: NodeStatus): MetricFamily[] {
  const ended = rounds.at(-1);
  return [
    gauge(
      'annulus_round_current_count',
      'Number of the round under way, else of the last one.',
      round?.round ?? ended?.round ?? null,
    ),
    gauge('annulus_round_open_state', 'Whether a round is under way.', state(round !== null)),
    gauge(
      'annulus_round_deadline_time_seconds',
      'Until when the round under way waits, Unix time.',
      seconds(deadlineMs),
    ),
    gauge(
      'annulus_round_held_updates_count',
      'Updates of the round under way that are here.',
      round?.held.length ?? null,
    ),
    gauge(
      'annulus_round_ended_time_seconds',
      'When the last round ended, Unix time.',
      seconds(ended?.endedAtMs ?? null),
    ),
    counter('annulus_round_sealed_total', 'Rounds that ended with a model.', roundCounts.sealed),
    counter('annulus_round_void_total', 'Rounds that ended without one.', roundCounts.void),
  ];
}

function learningFamilies({
  losses,
  errors,
  work,
  consortium: { stages },
}: NodeStatus): MetricFamily[] {
  const byStage = new Map(losses.map(({ stage, loss }) => [stage, loss]));
  const lossSamples = [...byStage].map(([stage, value]) => ({
    labels: { stage, task: stages.find(({ id }) => id === stage)?.task ?? 'all' },
    value,
  }));
  const latest = (unit: string): Sample[] => {
    const byTask = new Map(
      errors.filter((e) => e.unit === unit).map(({ task, value }) => [task, value]),
    );
    return [...byTask].map(([task, value]) => ({ labels: { task }, value }));
  };
  const progress = work?.progress ?? null;
  const share = progress === null || progress.total <= 0 ? null : progress.done / progress.total;
  return [
    gauges(
      'annulus_learning_loss_value',
      'Mean training loss of the last sealed round of a stage.',
      lossSamples,
    ),
    gauges(
      'annulus_learning_error_millimetres',
      'Median distance on own held-out cases, last model.',
      latest('mm'),
    ),
    gauges(
      'annulus_learning_dice_ratio',
      'Median Dice on own held-out cases, last model.',
      latest('dice'),
    ),
    gauges(
      'annulus_learning_holdout_loss_value',
      'Loss on own held-out cases, last model.',
      latest('loss'),
    ),
    gauge('annulus_learning_progress_ratio', 'Share of the work at hand that is done.', share),
  ];
}

function chunkFamilies({ chunks }: NodeStatus): MetricFamily[] {
  return [
    counter(
      'annulus_content_asked_chunks_total',
      'Chunks of models and updates asked for, again too after a request broke off.',
      chunks?.asked ?? null,
    ),
    counter(
      'annulus_content_arrived_chunks_total',
      'Chunks that came and were checked.',
      chunks?.arrived ?? null,
    ),
    counter(
      'annulus_content_lost_chunks_total',
      'Chunks asked for although they had come: the disk lost them.',
      chunks?.askedAgain ?? null,
    ),
    counter(
      'annulus_content_refused_chunks_total',
      'Chunks that came and were false.',
      chunks?.refused ?? null,
    ),
  ];
}

function storeFamilies({ disk, log }: NodeStatus): MetricFamily[] {
  return [
    gauge('annulus_disk_free_bytes', 'Free on the disk of this node.', disk?.freeBytes ?? null),
    gauge('annulus_disk_used_bytes', 'Used by the folder of this node.', disk?.usedBytes ?? null),
    gauge('annulus_log_size_entries', 'Entries of the latest log head.', log?.size ?? null),
    gauge(
      'annulus_log_cosigners_count',
      'Members that cosigned the latest log head.',
      log?.cosigners.length ?? null,
    ),
    gauge('annulus_log_quorum_count', 'Cosignatures that a log head needs.', log?.quorum ?? null),
  ];
}
