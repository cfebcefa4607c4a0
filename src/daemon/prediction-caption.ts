/** The words under a prediction: what is to be seen, and what its marks mean. No case is named. */
import type { Slice } from '../distill/index.ts';
import type { PlanStage } from '../wire/index.ts';
import { offSliceMmMax } from './prediction-picture.ts';

/** At most 400 letters, as the page shows them. */
export function predictionCaption(
  { kind, task }: Pick<PlanStage, 'kind' | 'task'>,
  slices: readonly Slice[],
): string {
  const has = (of: 'points' | 'areas', what: 'truth' | 'predicted'): boolean =>
    slices.some((slice) =>
      of === 'areas'
        ? slice.areas.some((area) => area.kind === what && area.mask.some((value) => value !== 0))
        : slice.points.some((point) => point.kind === what && point.offSliceMm <= offSliceMmMax),
    );
  const model = kind === 'student' ? 'the student' : `the teacher of ${task ?? 'a task'}`;
  const found = has('points', 'predicted');
  const known = has('points', 'truth');
  return [
    `A held-out case of this hospital and what ${model} finds in it.`,
    "Left an axial slice, right a coronal one, the patient's right on the left.",
    found ? 'Crosses: points it found.' : 'It found no point near these slices.',
    ...(known ? ["Squares: the expert's points."] : []),
    ...(found || known ? [`Points up to ${offSliceMmMax} mm off a slice are drawn.`] : []),
    ...(has('areas', 'predicted') ? ['Hatched: calcium it found.'] : []),
    ...(has('areas', 'truth') ? ["Outlined: the expert's calcium."] : []),
  ].join(' ');
}
