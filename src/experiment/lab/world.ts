/** What a run consists of before its first round: all of it from settings and files, nothing from the machine. */
import { Arena, type Rows } from './arena.ts';
import { readLinkTrace } from './link-trace.ts';
import { Links } from './links.ts';
import type { LabSettings } from './settings.ts';
import { drawSites, type Sites } from './sites.ts';
import type { LabTask, Vector } from './task.ts';

/** Text of files that settings name, by the setting's key: `links.trace`, `topology.file`. */
export type LabFiles = Readonly<Record<string, string>>;

/** Sums of each node since the beginning. */
export interface Counters {
  readonly sentBytes: Vector;
  readonly messages: Vector;
  readonly lost: Vector;
  readonly late: Vector;
  readonly steps: Vector;
  /** Messages that it took in, and how many of them attackers sent. */
  readonly heard: Vector;
  readonly heardLies: Vector;
}

/** See the file header. */
export interface LabWorld {
  readonly settings: LabSettings;
  readonly task: LabTask;
  readonly links: Links;
  readonly sites: Sites;
  readonly arena: Arena;
  readonly isAttacker: Uint8Array;
  readonly models: Rows;
  /** What nodes keep beside their models: a gradient, or what an optimiser remembers. */
  readonly kept: Rows;
  /** When each node is ready for what comes next, ms of virtual time. */
  readonly readyMs: Vector;
  /** When an absent node comes back, ms; 0: it is not away. */
  readonly backMs: Vector;
  /** 1 for a node that takes part in the round. */
  readonly present: Vector;
  readonly counters: Counters;
}

/**
 * @param parts.isAttacker 1 for each attacker
 * @param parts.isShared threads train the nodes
 * @throws {LabError} 'bad_trace'
 */
export function makeWorld(
  settings: LabSettings,
  files: LabFiles,
  task: LabTask,
  { isAttacker, isShared }: { readonly isAttacker: Uint8Array; readonly isShared: boolean },
): LabWorld {
  const { nodes, links } = settings;
  const arena = new Arena(nodes, isShared);
  const trace =
    links.trace === '' ? null : readLinkTrace(files['links.trace'] ?? '', links.trace, nodes);
  const models = arena.rows('models', task.dimension);
  models.of.forEach((model, node) => {
    task.start(node, model);
  });
  return {
    ...{ settings, task, arena, isAttacker, models },
    links: new Links(settings, trace),
    sites: drawSites(settings),
    kept: arena.rows('kept', task.keptLength),
    readyMs: arena.column('readyMs'),
    backMs: arena.column('backMs'),
    present: arena.column('present').fill(1),
    counters: {
      sentBytes: arena.column('sentBytes'),
      messages: arena.column('messages'),
      lost: arena.column('lost'),
      late: arena.column('late'),
      steps: arena.column('steps'),
      heard: arena.column('heard'),
      heardLies: arena.column('heardLies'),
    },
  };
}
