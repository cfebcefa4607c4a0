export { ComputeError, type ComputeErrorFacts } from './errors.ts';
export { backendVariant, listBackends, openEngine, type BackendReport } from './backends.ts';
export {
  backendNames,
  type BackendName,
  type Engine,
  type EngineMemory,
  type EngineOptions,
} from './engine.ts';
export { precisionNote } from './heap/native/module.ts';
export { precisions, type NativeOptions, type Precision } from './heap/native/options.ts';
export type {
  AdamWSettings,
  SgdSettings,
  Conv3dOptions,
  CrossEntropyDice,
  CrossEntropyDiceOptions,
  InstanceNormOptions,
  Ops,
  Triple,
  WindowAttentionOptions,
  WindowOptions,
  WindowReverseOptions,
} from './ops/ops.ts';
export { differentiate } from './autograd/backward.ts';
export { recomputed } from './autograd/tape.ts';
// Types only: code outside `compute` names tensors without importing TF.js.
export type {
  NumericDataType,
  Rank,
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor3D,
  Tensor4D,
  Tensor5D,
  Variable,
} from '@tensorflow/tfjs';
