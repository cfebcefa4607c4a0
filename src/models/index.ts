export { ModelsError, type ModelsErrorFacts } from './errors.ts';
export {
  readModelSpec,
  type ModelSpec,
  type SwinUnetrSpec,
  type Triple,
  type UNetSpec,
  type UnetrSpec,
} from './spec.ts';
export type { ParameterInfo, ParameterInit } from './parameter.ts';
export {
  architectureDigest,
  checkWeights,
  freshParameters,
  initialWeights,
  parameterList,
} from './parameters.ts';
export { backboneDifference, startingWeights, type StartModel } from './starting-weights.ts';
export type { ForwardOptions, HeadOutputs, ParameterMap } from './forward.ts';
export { buildModel, checkInput, divisorOf, type Model } from './model.ts';
export {
  headLabel,
  headsLoss,
  type HeadLabel,
  type HeadLabels,
  type HeadsLoss,
  type SoftLabel,
} from './loss.ts';
export { softCrossEntropyDice, type SoftTarget } from './soft-loss.ts';
export {
  lossAndGradients,
  valueAndGradients,
  type LossAndGradients,
  type ValueAndGradients,
} from './gradients.ts';
export {
  argmaxLabels,
  slidingWindow,
  windowStarts,
  type ChannelVolume,
  type SlidingWindowOptions,
  type WindowPredictor,
} from './sliding-window.ts';
export { modelPredictor, type PredictorOptions } from './predictor.ts';
export {
  dice,
  distance,
  medianWithMissed,
  pointErrors,
  quantile,
  summarise,
  type Point,
  type PointError,
  type PointGeometry,
  type Summary,
} from './metrics.ts';
export { bootstrapDefaults, bootstrapMedian, type BootstrapSettings } from './bootstrap.ts';
export { calibrationBins, expectedCalibrationError, type CalibrationBins } from './calibration.ts';
