/** Words for a task's second measure, on held-out data: networks of hospitals find points, all others answer. */
import type { LabSettingsTree } from './lab-record.ts';

/** How a second measure is shown. */
export interface HeldOutWords {
  readonly label: string;
  /** Of an axis. */
  readonly unit: string;
  readonly text: (value: number) => string;
}

const answers: HeldOutWords = {
  label: 'wrong on held-out samples',
  unit: 'share of wrong answers',
  text: (share) => `${(100 * share).toFixed(1)} %`,
};

const points: HeldOutWords = {
  label: 'points in held-out phantoms',
  unit: 'median distance, mm',
  text: (mm) => `${mm.toFixed(1)} mm`,
};

/** The words for a run's task. */
export function heldOutWords({ task }: LabSettingsTree): HeldOutWords {
  const kind = typeof task === 'object' && 'kind' in task ? task.kind : '';
  return kind === 'teacher' || kind === 'student' ? points : answers;
}
