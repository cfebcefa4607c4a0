/** The parameters of a network in the making, layer by layer as MONAI names them. */
import type { ParameterInfo, ParameterInit } from './parameter.ts';

/** Collects parameters in the order in which the network uses them; each method adds those of one layer. */
export class LayerList {
  readonly parameters: ParameterInfo[] = [];

  add(name: string, shape: readonly number[], init: ParameterInit): void {
    this.parameters.push({ name, shape, init });
  }

  norm(name: string, channels: number): void {
    this.add(`${name}.weight`, [channels], 'ones');
    this.add(`${name}.bias`, [channels], 'zeros');
  }

  linear(name: string, from: number, to: number): void {
    this.add(`${name}.weight`, [to, from], 'trunc-normal');
    this.add(`${name}.bias`, [to], 'zeros');
  }

  /** A convolution of patches that do not overlap, `side` voxels long. */
  patchEmbedding(name: string, from: number, to: number, side: number): void {
    this.add(`${name}.weight`, [to, from, side, side, side], 'he');
    this.add(`${name}.bias`, [to], 'zeros');
  }

  /** Twice the size by a transposed convolution without bias. */
  upsampling(name: string, from: number, to: number): void {
    this.add(`${name}.conv.weight`, [from, to, 2, 2, 2], 'he');
  }

  /** `UnetResBlock`, whose instance norms have no parameters. */
  residual(name: string, from: number, to: number): void {
    this.add(`${name}.conv1.conv.weight`, [to, from, 3, 3, 3], 'he');
    this.add(`${name}.conv2.conv.weight`, [to, to, 3, 3, 3], 'he');
    if (from !== to) this.add(`${name}.conv3.conv.weight`, [to, from, 1, 1, 1], 'he');
  }

  /** `UnetrUpBlock`. */
  upBlock(name: string, from: number, to: number): void {
    this.upsampling(`${name}.transp_conv`, from, to);
    this.residual(`${name}.conv_block`, 2 * to, to);
  }

  /** A 1x1x1 convolution for each head, by name. */
  heads(heads: Readonly<Record<string, number>>, from: number): void {
    for (const head of Object.keys(heads).sort()) {
      const classes = heads[head] as number;
      this.add(`${outHeadPrefix(head)}.weight`, [classes, from, 1, 1, 1], 'he');
      this.add(`${outHeadPrefix(head)}.bias`, [classes], 'background');
    }
  }
}

/** Prefix of a head's 1x1x1 convolution. */
export function outHeadPrefix(head: string): string {
  return `outs.${head}.conv.conv`;
}
