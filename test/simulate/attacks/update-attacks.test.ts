import { expect } from 'chai';

import { seededRandom } from '../../../src/base/index.ts';
import { alieZ, lieOf, momentsOf, type UpdateAttack } from '../../../src/simulate/index.ts';

const vector = (...values: number[]): Float64Array => Float64Array.from(values);
const honest = [vector(1, 4), vector(3, 4), vector(2, 1)];
const lie = (attack: UpdateAttack, liarCount = 1): number[] => [
  ...lieOf(attack, { own: vector(1, -2), honest, liarCount, random: seededRandom('lies') }),
];

describe('what liars send', () => {
  it('is the opposite of what they learnt, or more of it, or nothing', () => {
    expect(lie({ kind: 'sign-flip', factor: 10 })).to.deep.equal([-10, 20]);
    expect(lie({ kind: 'scale', factor: 1000 })).to.deep.equal([1000, -2000]);
    expect(lie({ kind: 'free-rider', stdDev: 0 })).to.deep.equal([0, 0]);
    expect(lie({ kind: 'noise', stdDev: 0 })).to.deep.equal([1, -2]);
    const [x = 0, y = 0] = lie({ kind: 'noise', stdDev: 1 });
    const [a = 0, b = 0] = lie({ kind: 'free-rider', stdDev: 1 });
    expect([x - a, y - b].map((one) => Math.round(one * 1e9) / 1e9)).to.deep.equal([1, -2]);
  });

  it('is z deviations below the honest mean: a little is enough', () => {
    // Means 2 and 3; squares 1, 1, 0 and 1, 1, 4 of 3.
    const [first, second] = lie({ kind: 'alie', z: 1.5 });
    expect(first).to.be.closeTo(2 - 1.5 * Math.sqrt(2 / 3), 1e-15);
    expect(second).to.be.closeTo(3 - 1.5 * Math.sqrt(2), 1e-15);
    // Three honest and two liars: s = 3 - 2 = 1, of 3 honest 2: Φ⁻¹(2/3) = 0.4307.
    const [own] = lie({ kind: 'alie' }, 2);
    expect(own).to.be.closeTo(2 - 0.4307272993 * Math.sqrt(2 / 3), 1e-8);
  });

  it('has the z of the paper', () => {
    // Baruch et al.: n = 50, m = 24 gives s = 2 and Φ⁻¹(24/26). scipy.stats.norm.ppf(24/26) = 1.4260768722728474.
    expect(alieZ(50, 24)).to.be.closeTo(1.4260768722728474, 1e-8);
    // n = 10, f = 3: s = 3, Φ⁻¹(4/7) = 0.18001236979270496. n = 8, f = 1: s = 4, Φ⁻¹(3/7) would be below the mean.
    expect(alieZ(10, 3)).to.be.closeTo(0.18001236979270496, 1e-8);
    expect(alieZ(8, 1)).to.equal(0);
  });

  it('is the mean of the honest backwards: inner products turn negative', () => {
    expect(lie({ kind: 'ipm', epsilon: 0.5 })).to.deep.equal([-1, -1.5]);
  });

  it('is against a direction as far as the honest are apart', () => {
    // On a line 0, 2 and 4: mean 2, widest 4. Against the sign: 2 - γ is 4 from 4 at γ = 2.
    const line = [vector(0), vector(2), vector(4)];
    const scene = { own: vector(0), honest: line, liarCount: 1, random: seededRandom('x') };
    for (const direction of ['sign', 'unit'] as const) {
      const [x] = lieOf({ kind: 'min-max', direction }, scene);
      expect(x, direction).to.be.closeTo(0, 1e-12);
    }
    // (0, 0) and (0, 2), mean (0, 1), deviations (0, 1): (0, 1 - γ) is 2 from (0, 2) at γ = 1.
    const [, y] = lieOf(
      { kind: 'min-max', direction: 'deviation' },
      { ...scene, honest: [vector(0, 0), vector(0, 2)] },
    );
    expect(y).to.be.closeTo(0, 1e-12);
    // A corner: (2, 0), (0, 2), (0, 0); mean (2, 2)/3, widest √8. Along -(1, 1)/√2 the farthest are (2, 0) and (0, 2): at
    // (-a, -a) they are √((2 + a)² + a²) = √8 away: a² + 2a - 2 = 0.
    const corner = [vector(2, 0), vector(0, 2), vector(0, 0)];
    const [a] = lieOf({ kind: 'min-max', direction: 'unit' }, { ...scene, honest: corner });
    expect(a).to.be.closeTo(-(Math.sqrt(3) - 1), 1e-12);
  });

  it('is the mean where the honest all say the same', () => {
    const same = [vector(1, 1), vector(1, 1)];
    const scene = { own: vector(1, 1), honest: same, liarCount: 1, random: seededRandom('x') };
    for (const direction of ['unit', 'sign', 'deviation'] as const) {
      expect([...lieOf({ kind: 'min-max', direction }, scene)]).to.deep.equal([1, 1]);
    }
    expect(momentsOf(same).deviation).to.deep.equal(vector(0, 0));
  });
});
