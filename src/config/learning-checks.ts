/** Ranges of the learning room's and the peer's settings, as their own comments state them. */
import type { InferenceSettings, SamplingSettings } from '../distill/index.ts';
import type { PeerSettings } from '../peer/index.ts';
import { checkInteger, checkNumber } from './check.ts';

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
