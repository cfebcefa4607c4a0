/** Cross-entropy plus soft Dice with its gradient on the GPU: three programs, and the adding up of the first one's sums. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { need, type Attributes, type Inputs } from '../ops/kernel-registry.ts';
import { countOf } from '../ops/sizes.ts';
import { flatGrid, flatIndex, flatWorkgroup, float } from './launcher.ts';
import type { Binding, GpuLauncher } from './launcher.ts';
import { addShares } from './shares.ts';

const lanes = 64;

/** What the programs are made for. A group is what one Dice is taken over: a sample, or the batch. */
interface LossSize {
  readonly groups: number;
  /** Voxels of a group. */
  readonly voxels: number;
  readonly classes: number;
  /** Sums of a group: the cross-entropy's, then Σp·y, Σp and Σy of each class. */
  readonly values: number;
}

/** Outputs loss, ce, dice, and the loss's gradient by the logits. */
export function crossEntropyDice(
  l: GpuLauncher,
  inputs: Inputs,
  attributes: Attributes,
): TensorInfo[] {
  const [logits, labels] = [need(inputs, 'logits'), need(inputs, 'labels')];
  const [samples = 1] = logits.shape;
  const classes = logits.shape.at(-1) ?? 1;
  const groups = attributes.batchDice === true ? 1 : samples;
  const voxels = countOf(logits) / classes / groups;
  const size = { groups, voxels, classes, values: 1 + 3 * classes };
  const given: readonly Binding[] = [
    { name: 'logits', of: logits, type: 'f32' },
    { name: 'labels', of: labels, type: 'i32' },
  ];
  const totals = groupSums(l, given, size);
  const { scalars, slopes } = lossOfSums(l, totals, size, attributes.smooth as number);
  const gradient = l.output(logits.shape);
  spreadGradient(l, given, slopes, gradient, size);
  return [...scalars, gradient];
}

/** Declares `p`, the softmax of the voxel whose logits begin at `at`, and `top`, `total`. */
function softmaxOf(classes: number): string {
  return `var p: array<f32, ${classes}>;
    var top = -1e30;
    for (var k = 0; k < ${classes}; k++) { p[k] = logits[at + k]; top = max(top, p[k]); }
    var total = 0.0;
    for (var k = 0; k < ${classes}; k++) { p[k] = exp(p[k] - top); total += p[k]; }
    for (var k = 0; k < ${classes}; k++) { p[k] /= total; }`;
}

/** `[groups · values]`: each group's sums over its voxels. */
function groupSums(l: GpuLauncher, given: readonly Binding[], size: LossSize): TensorInfo {
  const { groups, voxels, classes, values } = size;
  const shares = Math.max(1, Math.min(256, Math.ceil(voxels / (4 * lanes))));
  const share = Math.ceil(voxels / shares);
  const sums = l.output([shares, groups, values]);
  l.run({
    key: `loss sums ${groups} ${voxels} ${classes}`,
    bindings: [...given, { name: 'sums', of: sums, type: 'f32', writes: true }],
    workgroup: lanes,
    workgroups: [shares, groups, 1],
    code: () => ({
      declarations: `var<workgroup> held: array<f32, ${lanes}>;`,
      body: `
  var a: array<f32, ${values}>;
  let end = min((i32(wid.x) + 1) * ${share}, ${voxels});
  for (var v = i32(wid.x) * ${share} + i32(lid); v < end; v += ${lanes}) {
    let voxel = i32(wid.y) * ${voxels} + v;
    let at = voxel * ${classes};
    let truth = labels[voxel];
    ${softmaxOf(classes)}
    a[0] += log(total) + top - logits[at + truth];
    for (var k = 0; k < ${classes}; k++) {
      let y = select(0.0, 1.0, k == truth);
      a[1 + 3 * k] += p[k] * y;
      a[2 + 3 * k] += p[k];
      a[3 + 3 * k] += y;
    }
  }
  for (var n = 0; n < ${values}; n++) {
    held[lid] = a[n];
    workgroupBarrier();
    if (lid == 0u) {
      var sum = 0.0;
      for (var k = 0; k < ${lanes}; k++) { sum += held[k]; }
      sums[(i32(wid.x) * ${groups} + i32(wid.y)) * ${values} + n] = sum;
    }
    workgroupBarrier();
  }`,
    }),
  });
  const totals = l.output([groups * values]);
  addShares(l, sums, totals);
  return totals;
}

/**
 * Loss, ce and dice of the sums, which it frees; and `slopes`, `[groups, classes, 2]`: the Dice's gradient by p where the
 * class is true, and where it is not.
 */
function lossOfSums(
  l: GpuLauncher,
  totals: TensorInfo,
  { groups, voxels, classes, values }: LossSize,
  smooth: number,
): { readonly scalars: readonly TensorInfo[]; readonly slopes: TensorInfo } {
  const all = groups * voxels;
  const scalars = [l.output([]), l.output([]), l.output([])];
  const slopes = l.output([groups, classes, 2]);
  const settings = l.upload(Float32Array.of(smooth));
  l.run({
    key: `loss ${groups} ${all} ${classes}`,
    bindings: [
      { name: 'totals', of: totals, type: 'f32' },
      { name: 'settings', of: settings, type: 'f32' },
      { name: 'slopes', of: slopes, type: 'f32', writes: true },
      ...['loss', 'ce', 'dice'].map((name, i) => ({
        ...{ name, of: scalars[i] as TensorInfo, type: 'f32' as const, writes: true },
      })),
    ],
    workgroup: 1,
    workgroups: [1, 1, 1],
    code: () => ({
      body: `
  let smooth_ = settings[0];
  var entropy = 0.0;
  var overlap = 0.0;
  for (var group = 0; group < ${groups}; group++) {
    entropy += totals[group * ${values}];
    for (var k = 1; k < ${classes}; k++) {
      let at = group * ${values} + 3 * k;
      let both = 2.0 * totals[at + 1] + smooth_;
      let size = max(totals[at + 2] + totals[at + 3] + smooth_, 1e-8);
      overlap += both / size;
      let s = (group * ${classes} + k) * 2;
      slopes[s] = -${float(1 / (groups * (classes - 1)))} * (2.0 - both / size) / size;
      slopes[s + 1] = ${float(1 / (groups * (classes - 1)))} * both / size / size;
    }
    slopes[group * ${2 * classes}] = 0.0;
    slopes[group * ${2 * classes} + 1] = 0.0;
  }
  ce[0] = entropy / ${float(all)};
  dice[0] = -overlap / ${float(groups * (classes - 1))};
  loss[0] = ce[0] + dice[0];`,
    }),
  });
  l.release(totals, settings);
  return { scalars, slopes };
}

/** Writes the loss's gradient by the logits, and frees `slopes`. */
function spreadGradient(
  l: GpuLauncher,
  given: readonly Binding[],
  slopes: TensorInfo,
  gradient: TensorInfo,
  { groups, voxels, classes }: LossSize,
): void {
  const all = groups * voxels;
  l.run({
    key: `loss gradient ${groups} ${voxels} ${classes}`,
    bindings: [
      ...given,
      { name: 'slopes', of: slopes, type: 'f32' },
      { name: 'gradient', of: gradient, type: 'f32', writes: true },
    ],
    workgroup: flatWorkgroup,
    workgroups: flatGrid(all),
    code: () => ({
      body: `${flatIndex(all)}
  let at = i * ${classes};
  let truth = labels[i];
  let group = i / ${voxels};
  ${softmaxOf(classes)}
  var mean = 0.0;
  for (var k = 0; k < ${classes}; k++) {
    mean += p[k] * slopes[(group * ${classes} + k) * 2 + select(1, 0, k == truth)];
  }
  for (var k = 0; k < ${classes}; k++) {
    let y = select(0.0, 1.0, k == truth);
    let s = slopes[(group * ${classes} + k) * 2 + select(1, 0, k == truth)];
    gradient[at + k] = (p[k] - y) / ${float(all)} + p[k] * (s - mean);
  }`,
    }),
  });
  l.release(slopes);
}
