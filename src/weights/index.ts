export { WeightsError, type WeightsErrorFacts } from './errors.ts';
export { elementCount, parameterCount, type ModelWeights, type NamedTensor } from './tensors.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  rawBytes,
  safetensorsLimits,
  safetensorsPieces,
  type SafeTensor,
  type SafetensorsLimits,
  type StoredTensor,
  type StoredType,
  type TensorData,
} from './safetensors.ts';
export { floatsOf } from './stored-floats.ts';
export { oddWeightIn, oddWeightOf, weightMax } from './magnitude.ts';
export { encodeCanonicalWeights, modelDigest } from './digest.ts';
export { applyDelta, checkSameLayout, delta, flatten, l2Norm, unflatten } from './flat.ts';
export {
  fixedPointFor,
  quantise,
  valueMax,
  type FixedPoint,
  type UpdateWeight,
} from './fixed-point.ts';
export { packIntegers, unpackIntegers } from './packed-integers.ts';
export { IntegerMean } from './integer-mean.ts';
export {
  checkUpdate,
  headOf,
  headsOf,
  segmentsOf,
  weightIn,
  type Segment,
  type UpdateWeights,
} from './head-weights.ts';
export { plainAverage, roundStart, type OuterStep } from './outer-step.ts';
export {
  roundAverage,
  roundUpdate,
  type AveragingRule,
  type RoundUpdate,
  type TrainedSamples,
} from './round-average.ts';
