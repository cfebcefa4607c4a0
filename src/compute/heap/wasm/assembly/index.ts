/** The kernels of `src/compute`, compiled by `scripts/build-kernels.ts` into `build/kernels.wasm`. */
export { windowGemm } from './window-gemm';
export { windowGradient } from './window-gradient';
export {
  addSums,
  winogradForward,
  winogradGradient,
  winogradSums,
  winogradWeights,
} from './winograd';
export { columnSums, copyRows, mergePatches, packWeights, pad, unpackGradient } from './layout';
export {
  instanceMoments,
  instanceNorm,
  instanceNormSpread,
  instanceNormSums,
  leakyRelu,
} from './instance-norm';
export { add, lossSpread, lossSums, scale } from './cross-entropy-dice';
export { adamW } from './adam-w';
export { sgd } from './sgd';
export {
  windowAttention,
  windowAttentionGradient,
  windowAttentionScratch,
} from './window-attention';
export {
  gatherBias,
  gatherBiasGradient,
  gelu,
  layerNorm,
  layerNormGradient,
  windows,
} from './transformer';
