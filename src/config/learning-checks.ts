/** Ranges of the learning room's and the peer's settings, as their own comments state them. */
import type {
  DistillationSettings,
  InferenceSettings,
  SamplingSettings,
} from '../distill/index.ts';
import type { PeerSettings } from '../peer/index.ts';
import { checkChoice, checkInteger, checkNumber } from './check.ts';

/** @throws {SettingError} naming the key out of range. */
export function validateSampling(sampling: SamplingSettings): void {
  checkNumber('foregroundShare', sampling.foregroundShare, 0, 1);
  checkNumber('rotationDegMax', sampling.rotationDegMax, 0, 45);
  checkNumber('scaleShareMax', sampling.scaleShareMax, 0, 0.5);
  checkNumber('contrastShareMax', sampling.contrastShareMax, 0, 0.5);
  checkNumber('brightnessMax', sampling.brightnessMax, 0, 1);
  checkNumber('noiseStdDevMax', sampling.noiseStdDevMax, 0, 0.5);
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
  checkInteger('receiptDelayMs', peer.receiptDelayMs, 0, 10_000);
  checkInteger('clockSkewMs', peer.clockSkewMs, 1_000, 86_400_000);
  checkNumber('lossFactorMax', peer.lossFactorMax, 1, 1_000);
}
