/** How a hospital trains. Every value is part of the plan that all members agree on. */

import type { IntensityScale } from '../data/index.ts';

/** Where patches are cut and how they are augmented. Probabilities and shares are 0..1 unless another range stands there. */
export interface SamplingSettings {
  /** Share of patches cut around a labelled voxel. Points fill 0.1 % of a volume: without it most patches are empty. */
  readonly foregroundShare: number;
  readonly rotationProbability: number;
  /** Greatest rotation about each axis, degrees, 0..45. */
  readonly rotationDegMax: number;
  readonly scaleProbability: number;
  /** Smallest extent of the source that a patch shows is 1 - this, so that things look larger, 0..0.5. */
  readonly scaleDownShareMax: number;
  /** Largest extent of the source that a patch shows is 1 + this, 0..1. */
  readonly scaleUpShareMax: number;
  readonly noiseProbability: number;
  /** Greatest standard deviation of added noise, standard deviations of the image, 0..1. */
  readonly noiseStdDevMax: number;
  readonly blurProbability: number;
  /** Standard deviation of the blur along each axis, voxels, 0..5. */
  readonly blurSigmaMin: number;
  readonly blurSigmaMax: number;
  readonly brightnessProbability: number;
  /** Greatest change of all values in proportion, 0..0.9. */
  readonly brightnessShareMax: number;
  readonly contrastProbability: number;
  /** Greatest change of distances from the mean, 0..0.9. */
  readonly contrastShareMax: number;
  readonly lowResolutionProbability: number;
  /** Coarsest grid, in shares of the patch's own resolution, 0.1..1. */
  readonly lowResolutionMin: number;
  /** Of a gamma on the inverted image. */
  readonly invertedGammaProbability: number;
  readonly gammaProbability: number;
  /** Smallest gamma is 1 - this, 0..0.9. */
  readonly gammaDownShareMax: number;
  /** Largest gamma is 1 + this, 0..2. */
  readonly gammaUpShareMax: number;
  /** Of every patch, after all others: greatest change of all values in proportion, 0..0.5. */
  readonly scannerGainShareMax: number;
  /** Greatest shift, standard deviations, 0..1. */
  readonly scannerOffsetMax: number;
  /** Greatest standard deviation of added noise, standard deviations of the image, 0..0.5. */
  readonly scannerNoiseStdDevMax: number;
}

/** nnU-Net's; where it decides again for the one channel that there is, both probabilities in one. */
export const samplingDefaults: SamplingSettings = Object.freeze({
  foregroundShare: 0.7,
  rotationProbability: 0.2,
  rotationDegMax: 30,
  scaleProbability: 0.2,
  scaleDownShareMax: 0.3,
  scaleUpShareMax: 0.4,
  noiseProbability: 0.1,
  noiseStdDevMax: 0.1,
  blurProbability: 0.1,
  blurSigmaMin: 0.5,
  blurSigmaMax: 1,
  brightnessProbability: 0.15,
  brightnessShareMax: 0.25,
  contrastProbability: 0.15,
  contrastShareMax: 0.25,
  lowResolutionProbability: 0.125,
  lowResolutionMin: 0.5,
  invertedGammaProbability: 0.1,
  gammaProbability: 0.3,
  gammaDownShareMax: 0.3,
  gammaUpShareMax: 0.5,
  scannerGainShareMax: 0,
  scannerOffsetMax: 0,
  scannerNoiseStdDevMax: 0,
});

/** What every optimiser is told for one step. */
interface StepSettings {
  readonly lr: number;
  readonly weightDecay: number;
  /** Largest joint norm of all gradients, beyond which they are shrunk together; 0 for none. */
  readonly clipNorm: number;
  /** FedProx's μ: the pull back to where the round began; 0 for none. */
  readonly proxMu: number;
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019). */
export interface AdamWOptimiser extends StepSettings {
  readonly kind: 'adamw';
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/** Gradient descent with Nesterov momentum. */
export interface SgdOptimiser extends StepSettings {
  readonly kind: 'sgd';
  readonly momentum: number;
}

/** Optimisers by name, as settings and plans write them. */
export const optimiserKinds = ['adamw', 'sgd'] as const;

/** One of `optimiserKinds`. */
export type OptimiserKind = (typeof optimiserKinds)[number];

/** One optimiser with its numbers for one step; `lr` follows the schedule from round to round. */
export type OptimiserSettings = AdamWOptimiser | SgdOptimiser;

/** Loshchilov & Hutter's usual moments; neither clipped nor pulled. */
export const adamWDefaults: Omit<AdamWOptimiser, 'lr' | 'weightDecay'> = Object.freeze({
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  clipNorm: 0,
  proxMu: 0,
});

/**
 * How HU become the model's input, the same at every hospital. The paper's own constants (`paperScale`) are of the
 * whole chest; these are of the heart region, and the clip keeps calcium apart from contrast.
 */
export const intensityDefaults: IntensityScale = Object.freeze({
  clipLowHu: -300,
  clipHighHu: 1000,
  meanHu: 100,
  stdHu: 200,
});
