/** Rows of seeds: all sound, or the first that is not. */
import { expect } from 'chai';

import { simulate, type SimulationOptions } from './simulation.ts';

/** Runs seeds in a row and names the first that breaks an invariant. */
export function expectSound(
  options: Omit<SimulationOptions, 'seed'>,
  seeds: number,
  from = 0,
): void {
  for (let seed = from; seed < from + seeds; seed++) {
    const { violations } = simulate({ ...options, seed });
    expect(violations, `seed ${seed} of ${JSON.stringify(options)}`).deep.equal([]);
  }
}

/** The first seed whose run breaks an invariant, and which one. */
export function firstCaught(
  options: Omit<SimulationOptions, 'seed'>,
  seeds: number,
  from = 0,
): { readonly seed: number; readonly invariant: string } | null {
  for (let seed = from; seed < from + seeds; seed++) {
    const [violation] = simulate({ ...options, seed }).violations;
    if (violation !== undefined) {
      return { seed, invariant: violation.slice(0, violation.indexOf(':')) };
    }
  }
  return null;
}
