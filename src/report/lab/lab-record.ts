/** What a laboratory run leaves: measurements by round, what became of each node, and all that is needed to run it again. */

/** Written into every record; a reader of another version refuses. */
export const labFormat = 'annulus-lab/1';

/** Measurements after a round, over the nodes that are there and honest. Sums are since the beginning. */
export interface LabRound {
  /** 0: before the first. */
  readonly round: number;
  /** Virtual time at which the last node ended the round, ms. */
  readonly timeMs: number;
  /** How much worse than the best model the nodes' models are, in the task's measure: their mean. */
  readonly error: number;
  readonly errorMin: number;
  readonly errorMax: number;
  /** The same of the mean of the nodes' models. */
  readonly errorOfMean: number;
  /** The task's second measure, mean over the nodes; null when it has none. */
  readonly testError: number | null;
  /** Mean squared distance of the nodes' models to their mean. */
  readonly consensus: number;
  /** Distance to the mean after an exchange of the round over that before it; null without a distance. */
  readonly contraction: number | null;
  /** Standard deviation over the nodes of the loss on their own data: 0 when the model serves all alike. */
  readonly unfairness: number;
  readonly modelBytes: number;
  readonly headerBytes: number;
  readonly messages: number;
  readonly lost: number;
  readonly late: number;
  /** Local steps of all nodes, which is what energy goes with. */
  readonly steps: number;
  /** Nodes that took part. */
  readonly present: number;
  /** Of the attackers' messages, the share that the rule left out; null without attackers or with a rule that leaves out none. */
  readonly caught: number | null;
  /** Of the honest nodes' messages, the share that the rule left out. */
  readonly falselyCaught: number | null;
  /** Error of the node that attackers surround; null without one. */
  readonly victimError: number | null;
  /** Squared distance of its model to the mean model of the other honest nodes that are there. */
  readonly victimDistance: number | null;
  /** Of the messages that it heard since the beginning, the share that attackers sent; null before the first. */
  readonly victimShare: number | null;
}

/** What became of a node. */
export interface LabNode {
  readonly node: number;
  readonly isAttacker: boolean;
  readonly samples: number;
  readonly slowness: number;
  readonly error: number;
  /** Its model on its own data. */
  readonly localLoss: number;
  readonly steps: number;
  readonly sentBytes: number;
  readonly timeMs: number;
}

/** The graph at one round, for the animation. */
export interface LabFrame {
  readonly round: number;
  /** Pairs [from, to] that a message went over; undirected pairs once each way. */
  readonly edges: readonly (readonly [number, number])[];
  readonly errors: readonly number[];
}

/** Settings as JSON has them: sections of plain values. */
export interface LabSettingsTree {
  readonly [key: string]: string | number | boolean | readonly number[] | LabSettingsTree;
}

/** What a run follows from. */
export interface LabPlanTree {
  readonly settings: LabSettingsTree;
  /** Text of files that the settings name, by setting. */
  readonly files: Readonly<Record<string, string>>;
  /** The run that it goes on from, and after which round; null: from its own beginning. */
  readonly fork: { readonly from: LabPlanTree; readonly round: number } | null;
}

/** All that is needed to run it again, and how it ended. */
export interface LabRecord extends LabPlanTree {
  readonly format: typeof labFormat;
  /** The last round that was computed. */
  readonly untilRound: number;
  readonly final: LabRound;
  readonly nodes: readonly LabNode[];
  /** Of runs with few nodes; empty otherwise. */
  readonly frames: readonly LabFrame[];
}

/** Columns of rounds.csv, in order. */
export const roundColumns: readonly (keyof LabRound)[] = [
  ...(['round', 'timeMs', 'error', 'errorMin', 'errorMax', 'errorOfMean', 'testError'] as const),
  ...(['consensus', 'contraction', 'unfairness', 'modelBytes', 'headerBytes', 'messages'] as const),
  ...(['lost', 'late', 'steps', 'present', 'caught', 'falselyCaught'] as const),
  ...(['victimError', 'victimDistance', 'victimShare'] as const),
];

/** Columns of nodes.csv, in order. */
export const nodeColumns: readonly (keyof LabNode)[] = [
  ...(['node', 'isAttacker', 'samples', 'slowness', 'error', 'localLoss'] as const),
  ...(['steps', 'sentBytes', 'timeMs'] as const),
];

/** Rows under their names, for `pandas.read_csv`; what is not there is an empty cell. */
export function csvOf<T extends object>(
  columns: readonly (keyof T & string)[],
  rows: readonly T[],
): string {
  const cell = (value: unknown): string => {
    if (value === null || value === undefined) return '';
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}
