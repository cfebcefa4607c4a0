export { WeightsError, type WeightsErrorFacts } from './errors.ts';
export {
  elementCount,
  layoutOf,
  parameterCount,
  type ModelLayout,
  type ModelWeights,
  type NamedTensor,
} from './tensors.ts';
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
export {
  fileOrder,
  modelFileBytes,
  ModelReader,
  ModelWriter,
  pieceValues,
  readModel,
  writeModel,
  type WrittenModel,
} from './model-file.ts';
export { checkCount, checkSameLayout, delta, difference } from './flat.ts';
export {
  fixedPointFor,
  quantise,
  valueMax,
  type FixedPoint,
  type UpdateWeight,
  checkWeight,
} from './fixed-point.ts';
export { IntegerPacker, IntegerUnpacker, type TakeIntegers } from './packed-integers.ts';
