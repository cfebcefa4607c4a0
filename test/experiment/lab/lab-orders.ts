/** Runs of the laboratory in a test. */
import {
  labDefaults,
  runLab,
  type LabOrder,
  type LabOutcome,
  type LabSettings,
} from '../../../src/experiment/index.ts';

/** Sections with what a test changes. */
export type Changes = {
  readonly [K in keyof LabSettings]?: Partial<LabSettings[K]> | LabSettings[K];
};

/** The defaults with changes, section by section. */
export function settingsWith(changes: Changes): LabSettings {
  const entries = Object.entries(labDefaults).map(([key, value]: [string, unknown]) => {
    const change = changes[key as keyof LabSettings];
    if (change === undefined) return [key, value];
    return [key, typeof change === 'object' ? { ...(value as object), ...change } : change];
  });
  return Object.fromEntries(entries) as LabSettings;
}

/** How a test carries a run out, unless it says otherwise. */
export const order: LabOrder = {
  ...{ workers: 1, untilRound: null, snapshots: [], state: null },
  signal: new AbortController().signal,
  onRound: () => undefined,
};

/** The run of a plan from its beginning. */
export function run(changes: Changes, how: Partial<LabOrder> = {}): Promise<LabOutcome> {
  const plan = { settings: settingsWith(changes), files: {}, fork: null };
  return runLab(plan, { ...order, ...how });
}
