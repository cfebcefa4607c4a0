/** Ranges of the learning room's and the peer's settings, as their own comments state them. */
import type {
  DistillationSettings,
  InferenceSettings,
  SamplingSettings,
} from '../distill/index.ts';
import type { PeerSettings } from '../peer/index.ts';
import { checkChoice, checkInteger, checkNumber, SettingError } from '../base/index.ts';
import { samplingRangesMicro } from '../wire/index.ts';

/** In the ranges of the plan. @throws {SettingError} naming the key out of range. */
export function validateSampling(sampling: SamplingSettings): void {
  for (const [key, [low, high]] of Object.entries(samplingRangesMicro)) {
    checkNumber(key, sampling[key as keyof SamplingSettings], low / 1e6, high / 1e6);
  }
  const { blurSigmaMin, blurSigmaMax } = sampling;
  if (blurSigmaMin > blurSigmaMax) {
    throw new SettingError('blurSigmaMin', `at most blurSigmaMax, ${blurSigmaMax}`, blurSigmaMin);
  }
}

/** @throws {SettingError} naming the key out of range. */
export function validateDistillation(distillation: DistillationSettings): void {
  checkInteger('passes', distillation.passes, 1, 64);
  checkNumber('rotationDegMax', distillation.rotationDegMax, 0, 30);
  checkNumber('scaleShareMax', distillation.scaleShareMax, 0, 0.3);
  checkChoice('targets', distillation.targets, ['hard', 'soft']);
  checkNumber('temperature', distillation.temperature, 0.25, 10);
  checkNumber('confidenceMin', distillation.confidenceMin, 0, 1);
}

/** @throws {SettingError} naming the key out of range. */
export function validateInference(inference: Omit<InferenceSettings, 'window'>): void {
  checkNumber('overlap', inference.overlap, 0, 0.9);
  checkInteger('batch', inference.batch, 1, 64);
}

/** @throws {SettingError} naming the key out of range. */
export function validatePeer(peer: PeerSettings): void {
  checkInteger('tickMs', peer.tickMs, 100, 60_000);
  checkInteger('silenceMs', peer.silenceMs, 1_000, 86_400_000);
  checkInteger('holdsDelayMs', peer.holdsDelayMs, 0, 10_000);
  checkInteger('clockSkewMs', peer.clockSkewMs, 1_000, 86_400_000);
  checkNumber('lossFactorMax', peer.lossFactorMax, 1, 1_000);
  checkInteger('updateRoundsKept', peer.updateRoundsKept, 1, 1_000_000);
  checkInteger('modelRoundsKept', peer.modelRoundsKept, 1, 1_000_000);
  checkInteger('bulkBytesMax', peer.bulkBytesMax, 1_000_000, 1e15);
}
