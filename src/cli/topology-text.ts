/** The table of `annulus topology`. */
import type { MixingRate } from '../gossip/index.ts';
import { bytesText } from '../report/index.ts';

/** What is told of one topology. */
export interface TopologyRow extends MixingRate {
  /** Its kind and settings. */
  readonly topology: string;
  readonly nodes: number;
  /** That a node sends in a step, in the mean. */
  readonly bytesPerStep: number;
  /** Until the distance is a thousandth; null when it does not shrink. */
  readonly bytesToThousandth: number | null;
}

const head = [
  'topology',
  'gap',
  'factor',
  'steps to 1/1000',
  'sends',
  'most',
  'bytes a step',
  'bytes to 1/1000',
];

/** One line for each topology, and what the columns are. */
export function topologyTable(
  rows: readonly TopologyRow[],
  { parameters }: { readonly parameters: number },
): string {
  const cells = rows.map((row) => [
    row.topology + (row.keepsMean ? '' : ' *'),
    row.gap.toPrecision(3),
    row.perStep.toFixed(6),
    row.exactAfter === null ? String(row.stepsToThousandth ?? 'never') : `${row.exactAfter}, exact`,
    row.sendsMean.toFixed(1),
    String(row.sendsMax),
    bytesText(row.bytesPerStep),
    row.bytesToThousandth === null ? '–' : bytesText(row.bytesToThousandth),
  ]);
  const widths = head.map((title, i) =>
    Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const lines = [head, ...cells].map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const notes = [
    `${rows[0]?.nodes ?? 0} nodes; bytes of ${parameters} parameters in float32 that one node sends, in the mean.`,
    'factor: what a step leaves of the distance from the mean; gap = 1 - factor.',
    ...(rows.every(({ keepsMean }) => keepsMean)
      ? []
      : ['* the mean does not stay what it was: push-sum over the same links finds it.']),
  ];
  return `${lines.join('\n')}\n\n${notes.join('\n')}\n`;
}
