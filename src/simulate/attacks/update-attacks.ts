/**
 * What dishonest members send in place of what they learnt: pure functions over changes of a model. All liars know each
 * other and every honest change, which is more than they could know; some need neither. docs/specs/robust-rules.md
 */
import type { Random } from '../../base/index.ts';
import { distance, type Vector } from '../../gossip/index.ts';

/** An attack as data: what is sent in place of the own change. */
export type UpdateAttack =
  | {
      /** The opposite, so many times as long. */
      readonly kind: 'sign-flip';
      readonly factor: number;
    }
  | {
      /** So many times as much: a model's replacement (Bagdasaryan et al. 2020) is a backdoor's change scaled. */
      readonly kind: 'scale';
      readonly factor: number;
    }
  | {
      /** Normal noise on each parameter. */
      readonly kind: 'noise';
      readonly stdDev: number;
    }
  | {
      /** Nothing was learnt: no change but noise to hide that. */
      readonly kind: 'free-rider';
      readonly stdDev: number;
    }
  | {
      /** mean - z · standard deviation of the honest (Baruch et al. 2019); z from the numbers of members where it is absent. */
      readonly kind: 'alie';
      readonly z?: number;
    }
  | {
      /** -ε · mean of the honest (Xie et al. 2020). */
      readonly kind: 'ipm';
      readonly epsilon: number;
    }
  | {
      /** As far from the honest mean against a direction as the honest are from each other (Shejwalkar and Houmansadr 2021). */
      readonly kind: 'min-max';
      readonly direction: 'unit' | 'sign' | 'deviation';
    };

/** Kinds of `UpdateAttack`. */
export const updateAttackKinds: readonly UpdateAttack['kind'][] = [
  ...(['sign-flip', 'scale', 'noise', 'free-rider', 'alie', 'ipm', 'min-max'] as const),
];

/** What liars see in a round. */
export interface AttackScene {
  /** What this liar learnt. */
  readonly own: Vector;
  /** What the honest learnt; at least one. */
  readonly honest: readonly Vector[];
  /** How many lie. */
  readonly liarCount: number;
  /** Used by attacks with noise alone. */
  readonly random: Random;
}

/** What a liar sends. */
export function lieOf(attack: UpdateAttack, scene: AttackScene): Float64Array {
  const { own, honest, random } = scene;
  switch (attack.kind) {
    case 'sign-flip':
      return Float64Array.from(own, (x) => -attack.factor * x);
    case 'scale':
      return Float64Array.from(own, (x) => attack.factor * x);
    case 'noise':
      return Float64Array.from(own, (x) => x + attack.stdDev * random.normal());
    case 'free-rider':
      return Float64Array.from(own, () =>
        attack.stdDev === 0 ? 0 : attack.stdDev * random.normal(),
      );
    case 'alie': {
      const z = attack.z ?? alieZ(honest.length + scene.liarCount, scene.liarCount);
      const { mean, deviation } = momentsOf(honest);
      return mean.map((x, t) => x - z * (deviation[t] as number));
    }
    case 'ipm':
      return momentsOf(honest).mean.map((x) => -attack.epsilon * x);
    case 'min-max':
      return minMax(honest, attack.direction);
  }
}

/**
 * z_max: the largest z with Φ(z) < (n - f - s) / (n - f), s = ⌊n/2 + 1⌋ - f supporters that the liars need among the honest;
 * 0 when they need none.
 */
export function alieZ(memberCount: number, liarCount: number): number {
  const supporters = Math.floor(memberCount / 2 + 1) - liarCount;
  const honestCount = memberCount - liarCount;
  const share = (honestCount - supporters) / honestCount;
  return share <= 0.5 ? 0 : normalQuantile(Math.min(share, 1 - 1e-9));
}

/** Mean and standard deviation of each parameter, over n. */
export function momentsOf(vectors: readonly Vector[]): {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
} {
  const size = vectors[0]?.length ?? 0;
  const [mean, deviation] = [new Float64Array(size), new Float64Array(size)];
  for (let t = 0; t < size; t++) {
    const sum = vectors.reduce((total, one) => total + (one[t] as number), 0);
    const middle = sum / vectors.length;
    const squares = vectors.reduce((total, one) => total + ((one[t] as number) - middle) ** 2, 0);
    mean[t] = middle;
    deviation[t] = Math.sqrt(squares / vectors.length);
  }
  return { mean, deviation };
}

/** mean + γ · direction with the largest γ for which no honest change is farther from it than two of them are apart. */
function minMax(
  honest: readonly Vector[],
  kind: Extract<UpdateAttack, { kind: 'min-max' }>['direction'],
): Float64Array {
  const { mean, deviation } = momentsOf(honest);
  const length = distance(mean, new Float64Array(mean.length));
  const direction = {
    unit: () => mean.map((x) => (length === 0 ? 0 : -x / length)),
    sign: () => mean.map((x) => -Math.sign(x)),
    deviation: () => deviation.map((x) => -x),
  }[kind]();
  const widest = Math.max(
    ...honest.flatMap((one, i) => honest.slice(0, i).map((other) => distance(one, other))),
    0,
  );
  const at = (gamma: number): Float64Array =>
    mean.map((x, t) => x + gamma * (direction[t] as number));
  const fits = (gamma: number): boolean =>
    honest.every((one) => distance(one, at(gamma)) <= widest);
  const step = distance(direction, new Float64Array(direction.length));
  if (step === 0) return mean;
  // Beyond this it is farther from the mean, and so from some honest change, than is allowed.
  let [low, high] = [0, (2 * widest) / step];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return at(low);
}

/** Φ⁻¹ by halving, to 1e-9: Φ by the series of Abramowitz and Stegun 26.2.10, exact enough within ±6. */
function normalQuantile(share: number): number {
  let [low, high] = [-6, 6];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return low;
}

/** Φ(z) = 1/2 + φ(z) (z + z³/3 + z⁵/15 + …), 26.2.11. */
function normalShare(z: number): number {
  let [term, sum] = [z, z];
  for (let k = 3; Math.abs(term) > 1e-17; k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
