export { ComputeError, type ComputeErrorFacts } from './errors.ts';
export {
  openEngine,
  type BackendName,
  type Engine,
  type EngineMemory,
  type EngineOptions,
} from './engine.ts';
export type {
  AdamWSettings,
  Conv3dOptions,
  CrossEntropyDice,
  CrossEntropyDiceOptions,
  InstanceNormOptions,
  Ops,
  Triple,
  WindowAttentionOptions,
  WindowOptions,
  WindowReverseOptions,
} from './ops.ts';
