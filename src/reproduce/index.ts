export { ReproduceError, type ReproduceErrorFacts } from './errors.ts';
export { reproduce, type ReproducePorts } from './reproduction.ts';
export type { OnReproduceProgress, ReproduceProgress } from './progress.ts';
