import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { NodeId } from '../../src/base/index.ts';
import {
  emptyView,
  metricFamilies,
  reduce,
  renderMetrics,
  statusOf,
  type NodeEvent,
} from '../../src/dashboard/index.ts';
import { projectRoot } from '../project-root.ts';
import { parseExposition, type ParsedFamily } from './exposition.ts';
import { life, started, startMs } from './scripted-node.ts';

const statusAfter = (events: readonly NodeEvent[]) =>
  statusOf(events.reduce(reduce, emptyView), true);
const metricsAfter = (events: readonly NodeEvent[]): ReadonlyMap<string, ParsedFamily> =>
  parseExposition(renderMetrics(statusAfter(events)));
const names = new Set(metricFamilies(statusAfter(life())).map(({ name }) => name));

describe('the metrics', () => {
  it('are what Prometheus reads, before the first event and in the middle of a life', () => {
    expect(metricsAfter([]).size).greaterThan(5);
    // Everything that there is a name for has a value then, but the loss held out, which the script does not take.
    const said = new Set(metricsAfter(life()).keys());
    expect([...names].filter((name) => !said.has(name))).deep.equal([
      'annulus_learning_holdout_loss_value',
    ]);
  });

  it('are named annulus_<subsystem>_<name>_<unit>, counters with _total', () => {
    const units = [
      'bytes',
      'seconds',
      'count',
      'state',
      'info',
      'ratio',
      'value',
      'millimetres',
      'blocks',
      'entries',
      'total',
    ];
    for (const { name, type, help } of metricFamilies(statusAfter(life()))) {
      const [first, subsystem, ...rest] = name.split('_');
      expect([first, subsystem?.match(/^[a-z]+$/) !== null, rest.length >= 1], name).deep.equal([
        'annulus',
        true,
        true,
      ]);
      expect(units, name).include(rest.at(-1));
      expect(name.endsWith('_total'), name).equal(type === 'counter');
      expect(help, name).match(/\.$/);
    }
  });

  it('say what the facts say', () => {
    const metrics = metricsAfter(life());
    const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
      metrics
        .get(name)
        ?.samples.find((sample) =>
          Object.entries(labels).every(([key, text]) => sample.labels.get(key) === text),
        )?.value;
    expect(value('annulus_network_sent_bytes_total')).equal(71_300_000);
    expect(value('annulus_content_asked_chunks_total')).equal(260);
    expect(value('annulus_content_arrived_chunks_total')).equal(255);
    expect(value('annulus_content_lost_chunks_total')).equal(0);
    expect(value('annulus_content_refused_chunks_total')).equal(1);
    expect(value('annulus_network_connected_members_count')).equal(5);
    expect(value('annulus_consensus_members_count')).equal(8);
    expect(value('annulus_consensus_quorum_count')).equal(6);
    expect(value('annulus_round_current_count')).equal(31);
    expect(value('annulus_round_sealed_total')).equal(30);
    expect(value('annulus_round_deadline_time_seconds')).equal((startMs + 33 * 60_000) / 1000);
    expect(value('annulus_member_connected_state', { member: 'L5' })).equal(0);
    expect(value('annulus_member_connected_state', { member: 'L2' })).equal(1);
    expect(value('annulus_member_connected_state', { member: 'L1' })).equal(undefined);
    expect(value('annulus_member_status_state', { member: 'L7', status: 'registered' })).equal(1);
    expect(value('annulus_member_status_state', { member: 'L7', status: 'training' })).equal(0);
    expect(value('annulus_member_contributed_rounds_total', { member: 'L8' })).equal(18);
    // 34 of 60 steps
    expect(value('annulus_learning_progress_ratio')).closeTo(0.5667, 1e-4);
    // 2.1 + 6/10
    expect(value('annulus_learning_error_millimetres', { task: 'hps' })).closeTo(2.7, 1e-9);
    expect(value('annulus_learning_loss_value', { stage: 'student', task: 'all' })).closeTo(
      0.408,
      0.01,
    );
    expect(value('annulus_log_cosigners_count')).equal(7);
    expect(value('annulus_disk_free_bytes')).equal(182 * 2 ** 30);
  });

  it('escape what stands in a label', () => {
    const odd = 'a"b\\c\nd';
    const family = metricsAfter([started([odd as NodeId])]).get('annulus_member_status_state');
    expect(family?.samples[0]?.labels.get('member')).equal(odd);
  });

  it('pass promtool, where it is installed', function () {
    const input = renderMetrics(statusAfter(life()));
    const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
      input,
      encoding: 'utf8',
    });
    if (error !== undefined) {
      process.stdout.write(
        '      promtool is not here (Debian: prometheus): the reader of this folder checked alone\n',
      );
      return;
    }
    // Its lint (exit 3) asks for base units; a refusal of the format is another exit.
    expect(status === 0 || status === 3, stdout + stderr).equal(true);
  });
});

describe('the reader of the text format', () => {
  const head = '# HELP a_b A thing.\n# TYPE a_b gauge\n';
  const refused: readonly (readonly [string, string])[] = [
    ['a last line without its end', `${head}a_b 1`],
    ['a sample without HELP and TYPE', 'a_b 1\n'],
    ['TYPE before HELP', '# TYPE a_b gauge\n# HELP a_b A thing.\na_b 1\n'],
    ['an unknown type', '# HELP a_b A.\n# TYPE a_b number\na_b 1\n'],
    ['a sample of another family', `${head}a_c 1\n`],
    ['a series twice', `${head}a_b{x="1"} 1\na_b{x="1"} 2\n`],
    ['a label twice', `${head}a_b{x="1",x="2"} 1\n`],
    ['a label without quotes', `${head}a_b{x=1} 1\n`],
    ['an unescaped quote', `${head}a_b{x="a"b"} 1\n`],
    ['an escape that there is not', `${head}a_b{x="\\t"} 1\n`],
    ['no value', `${head}a_b\n`],
    ['a value in words', `${head}a_b one\n`],
    ['two spaces', `${head}a_b  1\n`],
    ['a name with a dash', '# HELP a-b A.\n# TYPE a-b gauge\na-b 1\n'],
    ['a family without samples', head],
    ['a family in two pieces', `${head}a_b 1\n# HELP c A.\n# TYPE c gauge\nc 1\na_b{x="1"} 1\n`],
  ];
  for (const [what, text] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => parseExposition(text)).throw();
    });
  }

  it('takes escapes, special values and exponents', () => {
    const text = `${head}a_b{x="q\\"b\\\\n\\n"} +Inf\na_b 1.5e-3\na_b{x=""} NaN\n`;
    const samples = parseExposition(text).get('a_b')!.samples;
    expect(samples.map(({ value }) => value)).deep.equal([Infinity, 0.0015, NaN]);
    expect(samples[0]!.labels.get('x')).equal('q"b\\n\n');
  });
});

describe('what is shipped for monitoring', () => {
  const read = (name: string): string =>
    readFileSync(join(projectRoot, 'config', 'monitoring', name), 'utf8');
  const used = (text: string): string[] => [...new Set(text.match(/\bannulus_[a-z_]+/g) ?? [])];
  const alerts = parse(read('alerts.yaml')) as {
    readonly groups: {
      readonly rules: {
        alert: string;
        expr: string;
        for?: string;
        annotations: Record<string, string>;
      }[];
    }[];
  };
  const rules = alerts.groups.flatMap((group) => group.rules);

  it('has alerts on metrics that exist, each with a remedy', () => {
    expect(rules.length).greaterThan(7);
    for (const { alert, expr, annotations } of rules) {
      expect(
        used(expr).filter((name) => !names.has(name)),
        alert,
      ).deep.equal([]);
      expect(annotations.summary, alert).match(/\S/);
      expect(annotations.remedy, alert).match(/\S/);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).equal(rules.length);
  });

  it('has alerts that promtool takes, where it is installed', () => {
    const file = join(projectRoot, 'config', 'monitoring', 'alerts.yaml');
    const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'rules', file], {
      encoding: 'utf8',
    });
    if (error === undefined) expect(status, stdout + stderr).equal(0);
    else
      process.stdout.write(
        '      promtool is not here (Debian: prometheus): names were checked alone\n',
      );
  });

  it('has a Grafana board of metrics that exist, whose panels do not cover each other', () => {
    const board = JSON.parse(read('grafana.json')) as {
      readonly panels: {
        readonly id: number;
        readonly title: string;
        readonly gridPos: { x: number; y: number; w: number; h: number };
        readonly targets?: { readonly expr: string }[];
      }[];
    };
    const cells = new Set<string>();
    for (const {
      title,
      targets = [],
      gridPos: { x, y, w, h },
    } of board.panels) {
      expect(targets.length, title).greaterThan(0);
      for (const { expr } of targets) {
        expect(used(expr).length, title).greaterThan(0);
        expect(
          used(expr).filter((name) => !names.has(name)),
          title,
        ).deep.equal([]);
      }
      expect(x + w, title).most(24);
      for (let i = x; i < x + w; i++) {
        for (let j = y; j < y + h; j++) {
          expect(cells.has(`${i} ${j}`), `${title} covers another`).equal(false);
          cells.add(`${i} ${j}`);
        }
      }
    }
    const panelIds = board.panels.map(({ id }) => id);
    expect(new Set(panelIds).size).equal(panelIds.length);
  });
});
