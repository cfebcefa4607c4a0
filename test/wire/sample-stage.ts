/** A stage of a plan with everything in it that a plan must say, for tests that ask about little of it. */
import {
  samplingRangesMicro,
  type PlanDistillation,
  type PlanImages,
  type PlanSampling,
  type PlanStage,
  type RoundRule,
  type Training,
} from '../../src/wire/index.ts';

/** Plain averaging: no more than 50 samples count, as shares of 100; changes of at most 1. */
export const plainRule: RoundRule = {
  ...{ kind: 'exact', samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
  ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0 },
};

/** Voxels of 1 mm, points of 1 mm, no heart; HU as they are, from 0 to 1000. */
export const plainImages: PlanImages = {
  ...{ spacingMmMicro: [1_000_000, 1_000_000, 1_000_000], pointRadiusMmMicro: 1_000_000 },
  heart: 'none',
  intensity: {
    ...{ clipLowHuMicro: 0, clipHighHuMicro: 1_000_000_000 },
    ...{ meanHuMicro: 0, stdHuMicro: 1_000_000 },
  },
};

const sampling = Object.fromEntries(
  Object.entries(samplingRangesMicro).map(([name, [least]]) => [`${name}Micro`, least]),
) as PlanSampling;

/** As the paper: one pass, hard labels. */
export const plainDistillation: PlanDistillation = {
  ...{ passes: 1, rotationDegMaxMicro: 0, scaleShareMaxMicro: 0, targets: 'hard' },
  ...{ temperatureMicro: 1_000_000, confidenceMinMicro: 0, weightByUncertainty: false },
};

/** A teacher's: patches of 8³, two in a step, AdamW, no augmentation. */
export const teacherTraining: Training = {
  ...{ patch: [8, 8, 8], batch: 2, optimiser: { kind: 'adamw', weightDecayMicro: 0 } },
  ...{ clipNormMicro: 0, proxMuMicro: 0, resetOptimiser: false, sampling },
};

/** A student's. */
export const studentTraining: Training = { ...teacherTraining, distillation: plainDistillation };

/** A student's stage of one round of one step at a rate of 0.001 among `participants`; `other` replaces what it says. */
export function sampleStage({
  id,
  participants,
  ...other
}: Pick<PlanStage, 'id' | 'participants'> & Partial<PlanStage>): PlanStage {
  return {
    ...{ id, kind: 'student', model: {}, participants, rounds: 1, stepsPerRound: 1 },
    ...{ learningRateMicro: 1000, schedule: 'poly', roundTimeoutMs: 60_000, minParticipants: 1 },
    ...{ rule: plainRule, training: studentTraining },
    ...other,
  };
}
