/** The algorithm that settings name: `gossip`'s own, which hospitals run. */
import {
  choco,
  dpsgd,
  gossipAveraging,
  gradientTracking,
  pushSum,
  type Compression,
  type MixingAlgorithm,
} from '../../gossip/index.ts';
import { robustGossip, type RuleWatch } from './robust-gossip.ts';
import type { LabSettings } from './settings.ts';

/** Any of them: what is inside a state or a message is the algorithm's own business. */
export type AnyAlgorithm = MixingAlgorithm<unknown, unknown>;

/** From settings that were checked. @param dimension numbers of a model @param watch hears what a robust rule leaves out */
export function algorithmOf(
  settings: LabSettings,
  dimension: number,
  watch: RuleWatch,
): AnyAlgorithm {
  const { seed, training, compression, rule } = settings;
  if (rule.kind !== 'mean') return opaque(robustGossip(settings, watch));
  switch (training.algorithm) {
    case 'local-sgd':
      return opaque(gossipAveraging);
    case 'gradient-tracking':
      return opaque(gradientTracking);
    case 'push-sum':
      return opaque(pushSum);
    case 'choco': {
      const { consensusStep } = compression;
      const own = { compression: compressionOf(compression, dimension), consensusStep };
      return opaque(choco({ ...own, seed: `lab/${seed}` }));
    }
    default:
      return opaque(dpsgd);
  }
}

/** Whoever has an algorithm gives it back its own states and messages and no others. */
function opaque<State, Message>(algorithm: MixingAlgorithm<State, Message>): AnyAlgorithm {
  return algorithm as unknown as AnyAlgorithm;
}

function compressionOf(
  { kind, share, rank }: LabSettings['compression'],
  dimension: number,
): Compression {
  switch (kind) {
    case 'top-k':
    case 'random-k':
      return { kind, share };
    case 'low-rank':
      return { kind, rank, rows: Math.ceil(Math.sqrt(dimension)), iterations: 1 };
    default:
      return { kind: kind as 'none' | 'bf16' | 'int8' | 'int4' | 'sign' };
  }
}
