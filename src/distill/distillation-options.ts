/** How teachers are asked, as the student's stage in the plan carries it: whole numbers by name, millionths. */
import { distillationDefaults, type DistillationSettings } from './label/soft-labels.ts';

const million = 1_000_000;

/** For `PlanStage.options` of the student, beside `stageOptions`. */
export function distillationOptions(settings: DistillationSettings): Record<string, number> {
  const { passes, rotationDegMax, scaleShareMax, targets, temperature } = settings;
  const { confidenceMin, weightByUncertainty } = settings;
  const micro = (value: number): number => Math.round(value * million);
  return {
    distillPasses: passes,
    distillRotationDegMaxMicro: micro(rotationDegMax),
    distillScaleShareMaxMicro: micro(scaleShareMax),
    distillSoft: targets === 'soft' ? 1 : 0,
    distillTemperatureMicro: micro(temperature),
    distillConfidenceMinMicro: micro(confidenceMin),
    distillByUncertainty: weightByUncertainty ? 1 : 0,
  };
}

/** The inverse of `distillationOptions`; a stage without them is a teacher's, which has no teachers. */
export function readDistillation(
  options: Readonly<Record<string, number | string>>,
): DistillationSettings {
  if (options.distillPasses === undefined) return distillationDefaults;
  const value = (name: string): number => Number(options[name] ?? 0);
  return {
    passes: value('distillPasses'),
    rotationDegMax: value('distillRotationDegMaxMicro') / million,
    scaleShareMax: value('distillScaleShareMaxMicro') / million,
    targets: value('distillSoft') === 1 ? 'soft' : 'hard',
    temperature: value('distillTemperatureMicro') / million,
    confidenceMin: value('distillConfidenceMinMicro') / million,
    weightByUncertainty: value('distillByUncertainty') === 1,
  };
}
