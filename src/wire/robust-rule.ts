/**
 * How updates that lie far from the others are kept from moving the average: a part of a round's rule. Formulas, sources and
 * what each kind promises: docs/specs/robust-rules.md
 */
import { int, literal, obj, optional, unionBy, type Reader } from './readers.ts';

/** What all kinds have. */
interface RobustCommon {
  /** Largest share of all weight that one member may have, × 10^6: 1 to 1 000 000; that for no bound. */
  readonly capMicro: number;
  /**
   * Where present, each update is first replaced by the mean of its n - f nearest (NNM, Allouah et al. 2023), with this f:
   * 1 to 128.
   */
  readonly nnmTolerated?: number;
}

/** By `kind`. Where a plan has none of these, the average is the weighted mean. */
export type RobustRule = RobustCommon &
  (
    | {
        /** Steps to the mean of changes no longer than a radius around the last step (Karimireddy et al. 2021). */
        readonly kind: 'centred-clip';
        /** The radius, in weighted medians of the distances × 10^6: 1 to 1 000 000 000. */
        readonly radiusMicro: number;
        /** Steps, 1 to 64. */
        readonly iterations: number;
      }
    | {
        /** The mean of updates no longer than a radius (Sun et al. 2019). */
        readonly kind: 'norm-clip';
        /** The radius, in weighted medians of the norms × 10^6: 1 to 1 000 000 000. */
        readonly radiusMicro: number;
      }
    | {
        /** For each parameter the mean without the ends (Yin et al. 2018). */
        readonly kind: 'trimmed-mean';
        /** Share of the weight that is cut off at each end × 10^6: 1 to 499 999. */
        readonly trimMicro: number;
      }
    | {
        /** For each parameter the weighted median (Yin et al. 2018). */
        readonly kind: 'median';
      }
    | {
        /** The point with the smallest weighted sum of distances, by smoothed Weiszfeld steps (RFA, Pillutla et al. 2022). */
        readonly kind: 'geometric-median';
        /** Steps, 1 to 256. */
        readonly iterations: number;
      }
    | {
        /** The mean of the n - f updates that lie closest to their neighbours (Blanchard et al. 2017). */
        readonly kind: 'multi-krum';
        /** f, 1 to 128. */
        readonly tolerated: number;
      }
  );

/** Names of the kinds. */
export const robustKinds: readonly RobustRule['kind'][] = [
  'centred-clip',
  'norm-clip',
  'trimmed-mean',
  'median',
  'geometric-median',
  'multi-krum',
];

const common = { capMicro: int(1, 1_000_000), nnmTolerated: optional(int(1, 128)) };
const radiusMicro = int(1, 1_000_000_000);

/** Reads the robust part of a rule. @throws {WireError} 'malformed' */
export const readRobust: Reader<RobustRule> = unionBy<RobustRule>('kind', {
  'centred-clip': obj({
    ...{ kind: literal('centred-clip'), ...common },
    ...{ radiusMicro, iterations: int(1, 64) },
  }),
  'norm-clip': obj({ kind: literal('norm-clip'), ...common, radiusMicro }),
  'trimmed-mean': obj({ kind: literal('trimmed-mean'), ...common, trimMicro: int(1, 499_999) }),
  median: obj({ kind: literal('median'), ...common }),
  'geometric-median': obj({
    ...{ kind: literal('geometric-median'), ...common },
    iterations: int(1, 256),
  }),
  'multi-krum': obj({ kind: literal('multi-krum'), ...common, tolerated: int(1, 128) }),
});
