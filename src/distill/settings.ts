/** How a hospital trains. Every value is part of the plan that all members agree on. */

import type { IntensityScale } from '../data/index.ts';

/** Where patches are cut and how they are disturbed. */
export interface SamplingSettings {
  /** Share of patches cut around a labelled voxel, 0..1. Points fill 0.1 % of a volume: without it most patches are empty. */
  readonly foregroundShare: number;
  /** Greatest rotation about each axis, degrees, 0..45. */
  readonly rotationDegMax: number;
  /** Greatest change of size, share of 1, 0..0.5. */
  readonly scaleShareMax: number;
  /** Greatest change of contrast, share of 1, 0..0.5, on normalised intensities. */
  readonly contrastShareMax: number;
  /** Greatest shift of brightness, standard deviations, 0..1. */
  readonly brightnessMax: number;
  /** Greatest standard deviation of added noise, standard deviations of the image, 0..0.5. */
  readonly noiseStdDevMax: number;
}

export const samplingDefaults: SamplingSettings = Object.freeze({
  foregroundShare: 0.7,
  rotationDegMax: 12,
  scaleShareMax: 0.1,
  contrastShareMax: 0.15,
  brightnessMax: 0.1,
  noiseStdDevMax: 0.05,
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

export type OptimiserKind = (typeof optimiserKinds)[number];

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
