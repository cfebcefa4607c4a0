/** Sums that many workgroups made of shares of the data, added up in a fixed order. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { countOf } from '../ops/sizes.ts';
import { flatGrid, flatIndex, flatWorkgroup, type GpuLauncher } from './launcher.ts';

/** A WGSL function `sumOf(i)` of `array[i] + array[i + step] + …`, `terms` of them, in a fixed order. */
export function sumFunction(array: string, terms: number, step: number): string {
  return `fn sumOf(i: i32) -> f32 {
  var a = vec4<f32>(0.0);
  for (var k = 0; k < ${terms - (terms % 4)}; k += 4) {
    let at = i + k * ${step};
    a += vec4<f32>(${array}[at], ${array}[at + ${step}], ${array}[at + ${2 * step}], ${array}[at + ${3 * step}]);
  }
  var sum = (a.x + a.y) + (a.z + a.w);
  for (var k = ${terms - (terms % 4)}; k < ${terms}; k++) { sum += ${array}[i + k * ${step}]; }
  return sum;
}`;
}

/** Writes the sums over the first axis of `sums`, `[shares, …total]`, to `total`, and frees `sums`. */
export function addShares(l: GpuLauncher, sums: TensorInfo, total: TensorInfo): void {
  const count = countOf(total);
  const shares = countOf(sums) / count;
  l.run({
    key: `sum ${shares} ${count}`,
    bindings: [
      { name: 'sums', of: sums, type: 'f32' },
      { name: 'total', of: total, type: 'f32', writes: true },
    ],
    workgroup: flatWorkgroup,
    workgroups: flatGrid(count),
    code: () => ({
      declarations: sumFunction('sums', shares, count),
      body: `${flatIndex(count)} total[i] = sumOf(i);`,
    }),
  });
  l.release(sums);
}
