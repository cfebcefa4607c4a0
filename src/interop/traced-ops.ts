/**
 * The operations of the compute room written down as ONNX nodes instead of computed. A network's own forward pass run
 * over them leaves its graph behind, so the file cannot say another thing than the network does. Batch 1, no training.
 */
import { invariant } from '../base/index.ts';
import type {
  Conv3dOptions,
  Engine,
  InstanceNormOptions,
  Ops,
  WindowAttentionOptions,
  WindowOptions,
  WindowReverseOptions,
} from '../compute/index.ts';
import { elementCount } from '../weights/index.ts';
import type { OnnxAttribute, OnnxGraph, ValueName } from './onnx-graph.ts';
import { inverseIndices, mergeIndices, windowIndices } from './window-indices.ts';

/** A value of the graph in the place of a tensor. */
export interface Traced {
  /** As the network sees it: grids are [b, d, h, w, c]. */
  readonly shape: readonly number[];
  /** Names in the network's own layout and, of grids, in ONNX's [b, c, d, h, w]; made when first asked for. */
  last: ValueName | null;
  first: ValueName | null;
  /** What a constant holds. */
  readonly values: Float32Array | Int32Array | null;
  readonly dispose: () => void;
}

/** Added to the logit of two tokens of different regions, as MONAI. */
const apartLogit = -100;

type Shape = readonly number[];
type Attributes = Readonly<Record<string, OnnxAttribute>>;
/** The networks' own types of tensors, all of which are traced here. */
type AttentionOptions = Omit<WindowAttentionOptions, 'bias' | 'regions'> & {
  readonly bias: Traced | null;
  readonly regions: Traced | null;
};

/** An engine for `buildModel` whose every operation goes to `graph`. */
export function tracingEngine(graph: OnnxGraph): Engine {
  const ops = new TracedOps(graph) satisfies Record<keyof Ops, unknown>;
  return { tf: tracedTf(ops), ops } as unknown as Engine;
}

/** A `Traced` of a value that a node has made under one of the two names, or of a constant that is in no node yet. */
export function traced(
  shape: Shape,
  names: { readonly last?: ValueName; readonly first?: ValueName },
  values: Traced['values'] = null,
): Traced {
  const { last = null, first = null } = names;
  return { shape, last, first, values, dispose: () => undefined };
}

/** The name of a grid in ONNX's layout. */
export function channelsFirst(graph: OnnxGraph, x: Traced): ValueName {
  x.first ??= graph.node('Transpose', [x.last as ValueName], { perm: [0, 4, 1, 2, 3] });
  return x.first;
}

function channelsLast(graph: OnnxGraph, x: Traced): ValueName {
  x.last ??= graph.node('Transpose', [x.first as ValueName], { perm: [0, 2, 3, 4, 1] });
  return x.last;
}

class TracedOps {
  readonly #graph: OnnxGraph;
  readonly #transposed = new Map<ValueName, ValueName>();

  constructor(graph: OnnxGraph) {
    this.#graph = graph;
  }

  conv3d(x: Traced, w: Traced, b: Traced | null, { stride }: Conv3dOptions): Traced {
    const [outputs, , ...kernel] = w.shape as [number, number, number, number, number];
    const strides = typeof stride === 'number' ? [stride, stride, stride] : stride;
    const pads = kernel.map((size) => (size % 2 === 1 ? size >> 1 : 0));
    const size = kernel.map((length, axis) =>
      Math.floor(
        ((x.shape[axis + 1] as number) + 2 * (pads[axis] as number) - length) /
          (strides[axis] as number) +
          1,
      ),
    );
    const attributes = { kernel_shape: kernel, strides, pads: [...pads, ...pads] };
    return this.#convolution('Conv', [x, w, b], attributes, [
      x.shape[0] as number,
      ...size,
      outputs,
    ]);
  }

  convTranspose3d(x: Traced, w: Traced, b: Traced | null): Traced {
    const [, outputs, ...strides] = w.shape as [number, number, number, number, number];
    const [batch, ...grid] = x.shape as [number, number, number, number, number];
    const size = strides.map((step, axis) => (grid[axis] as number) * step);
    const attributes = { kernel_shape: strides, strides };
    return this.#convolution('ConvTranspose', [x, w, b], attributes, [batch, ...size, outputs]);
  }

  instanceNorm(
    x: Traced,
    gamma: Traced | null,
    beta: Traced | null,
    { eps = 1e-5, slope }: InstanceNormOptions,
  ): Traced {
    const inputs = [
      channelsFirst(this.#graph, x),
      this.#vector(gamma, x, 1),
      this.#vector(beta, x, 0),
    ];
    const first = this.#graph.node('InstanceNormalization', inputs, { epsilon: { float: eps } });
    const normed = traced(x.shape, { first });
    return slope === 1 ? normed : this.leakyRelu(normed, slope);
  }

  accumulate(sum: Traced, term: Traced): Traced {
    return this.elementwise('Add', [sum, term]);
  }

  leakyRelu(x: Traced, slope: number): Traced {
    return this.elementwise('LeakyRelu', [x], { alpha: { float: slope } });
  }

  concat(a: Traced, b: Traced): Traced {
    const channels = (a.shape[4] as number) + (b.shape[4] as number);
    const inputs = [channelsFirst(this.#graph, a), channelsFirst(this.#graph, b)];
    const first = this.#graph.node('Concat', inputs, { axis: 1 });
    return traced([...a.shape.slice(0, 4), channels], { first });
  }

  linear(x: Traced, w: Traced, b: Traced | null): Traced {
    const weight = w.last as ValueName;
    const turned =
      this.#transposed.get(weight) ?? this.#graph.node('Transpose', [weight], { perm: [1, 0] });
    this.#transposed.set(weight, turned);
    let last = this.#graph.node('MatMul', [channelsLast(this.#graph, x), turned]);
    if (b !== null) last = this.#graph.node('Add', [last, b.last as ValueName]);
    return traced([...x.shape.slice(0, -1), w.shape[0] as number], { last });
  }

  layerNorm(x: Traced, gamma: Traced | null, beta: Traced | null, eps = 1e-5): Traced {
    const inputs = [channelsLast(this.#graph, x), this.#vector(gamma, x, 1)];
    if (beta !== null) inputs.push(beta.last as ValueName);
    const last = this.#graph.node('LayerNormalization', inputs, {
      axis: -1,
      epsilon: { float: eps },
    });
    return traced(x.shape, { last });
  }

  /** x/2 · (1 + erf(x / √2)) */
  gelu(x: Traced): Traced {
    const scalar = (value: number): Traced =>
      traced([], { last: this.#graph.floats([], Float32Array.of(value)) });
    const erf = this.elementwise('Erf', [this.elementwise('Mul', [x, scalar(Math.SQRT1_2)])]);
    const half = this.elementwise('Mul', [x, scalar(0.5)]);
    return this.elementwise('Mul', [half, this.elementwise('Add', [erf, scalar(1)])]);
  }

  windowAttention(qkv: Traced, { heads, bias, regions }: AttentionOptions): Traced {
    const graph = this.#graph;
    const [windows, n, width] = qkv.shape as [number, number, number];
    const size = width / 3 / heads;
    const split = this.#reshaped(qkv.last as ValueName, [windows, n, 3, heads, size]);
    const stacked = graph.node('Transpose', [split], { perm: [2, 0, 3, 1, 4] }); // [3, windows, heads, n, size]
    const [q, k, v] = [0, 1, 2].map((part) =>
      graph.node('Gather', [stacked, graph.integers([], [part])], { axis: 0 }),
    ) as [ValueName, ValueName, ValueName];
    const scale = graph.floats([], Float32Array.of(1 / Math.sqrt(size)));
    const turned = graph.node('Transpose', [k], { perm: [0, 1, 3, 2] });
    let logits = graph.node('MatMul', [graph.node('Mul', [q, scale]), turned]);
    if (bias !== null) logits = graph.node('Add', [logits, bias.last as ValueName]);
    if (regions !== null) logits = graph.node('Add', [logits, this.#mask(regions)]);
    const mixed = graph.node('MatMul', [graph.node('Softmax', [logits], { axis: -1 }), v]);
    const joined = graph.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }); // [windows, n, heads, size]
    const shape = [windows, n, width / 3];
    return traced(shape, { last: this.#reshaped(joined, shape) });
  }

  windowPartition(x: Traced, options: WindowOptions): Traced {
    const [, ...rest] = x.shape as [number, number, number, number, number];
    const [d, h, w, channels] = rest;
    const voxels = d * h * w;
    const { tokens, windows, n } = windowIndices([d, h, w], options, voxels);
    let rows = this.#rows(x);
    if (tokens.includes(voxels)) {
      const zeros = this.#graph.floats([1, channels], new Float32Array(channels));
      rows = this.#graph.node('Concat', [rows, zeros], { axis: 0 });
    }
    const indices = this.#graph.integers([windows, n], tokens);
    const last = this.#graph.node('Gather', [rows, indices], { axis: 0 });
    return traced([windows, n, channels], { last });
  }

  windowReverse(windows: Traced, { shape, ...options }: WindowReverseOptions): Traced {
    const [, d, h, w, channels] = shape;
    const voxels = d * h * w;
    const { tokens } = windowIndices([d, h, w], options, voxels);
    const rows = this.#reshaped(windows.last as ValueName, [tokens.length, channels]);
    const places = this.#graph.integers([voxels], inverseIndices(tokens, voxels));
    const voxelRows = this.#graph.node('Gather', [rows, places], { axis: 0 });
    return traced(shape, { last: this.#reshaped(voxelRows, shape) });
  }

  mergePatches(x: Traced): Traced {
    const [batch, d, h, w, channels] = x.shape as [number, number, number, number, number];
    const indices = this.#graph.integers([(d * h * w) / 8, 8], mergeIndices([d, h, w]));
    const blocks = this.#graph.node('Gather', [this.#rows(x), indices], { axis: 0 });
    const shape = [batch, d / 2, h / 2, w / 2, 8 * channels];
    return traced(shape, { last: this.#reshaped(blocks, shape) });
  }

  gatherBias(table: Traced, index: Traced): Traced {
    const [n] = index.shape as [number];
    const indices = this.#graph.integers(index.shape, index.values as Int32Array);
    const rows = this.#graph.node('Gather', [table.last as ValueName, indices], { axis: 0 });
    const last = this.#graph.node('Transpose', [rows], { perm: [2, 0, 1] });
    return traced([table.shape[1] as number, n, n], { last });
  }

  dropout(): never {
    invariant(false, 'an exported network does not drop out');
  }

  crossEntropyDice(): never {
    invariant(false, 'an exported network has no loss');
  }

  adamW(): never {
    invariant(false, 'an exported network does not learn');
  }

  sgd(): never {
    invariant(false, 'an exported network does not learn');
  }

  /** As TF.js; one side may be left open with -1. */
  reshape(x: Traced, shape: Shape): Traced {
    const known = shape.reduce((product, side) => (side < 0 ? product : product * side), 1);
    const full = shape.map((side) => (side < 0 ? elementCount(x.shape) / known : side));
    return traced(full, { last: this.#reshaped(channelsLast(this.#graph, x), full) });
  }

  transpose(x: Traced, order: readonly number[]): Traced {
    const last = this.#graph.node('Transpose', [channelsLast(this.#graph, x)], { perm: order });
    return traced(
      order.map((axis) => x.shape[axis] as number),
      { last },
    );
  }

  /** In whichever layout all of `inputs` have already, scalars aside. */
  elementwise(op: string, inputs: readonly Traced[], attributes: Attributes = {}): Traced {
    const [{ shape }] = inputs as [Traced];
    const isFirst = inputs.every(({ first, shape: own }) => own.length === 0 || first !== null);
    const names = inputs.map((input) =>
      isFirst && input.first !== null ? input.first : channelsLast(this.#graph, input),
    );
    const name = this.#graph.node(op, names, attributes);
    return traced(shape, isFirst ? { first: name } : { last: name });
  }

  #convolution(
    op: string,
    [x, w, b]: readonly [Traced, Traced, Traced | null],
    attributes: Attributes,
    shape: Shape,
  ): Traced {
    const inputs = [channelsFirst(this.#graph, x), w.last as ValueName];
    if (b !== null) inputs.push(b.last as ValueName);
    return traced(shape, { first: this.#graph.node(op, inputs, attributes) });
  }

  /** A parameter of one number for each channel of `x`, or as many times `otherwise`. */
  #vector(parameter: Traced | null, x: Traced, otherwise: number): ValueName {
    if (parameter !== null) return parameter.last as ValueName;
    const channels = x.shape.at(-1) as number;
    return this.#graph.floats([channels], new Float32Array(channels).fill(otherwise));
  }

  /** [1, d, h, w, c] → [d·h·w, c] */
  #rows(x: Traced): ValueName {
    invariant(x.shape[0] === 1, 'windows are cut from a batch of one');
    return this.#reshaped(channelsLast(this.#graph, x), [-1, x.shape[4] as number]);
  }

  #reshaped(x: ValueName, shape: Shape): ValueName {
    return this.#graph.node('Reshape', [x, this.#graph.integers([shape.length], shape)]);
  }

  /** Regions [groups, n] as what is added to logits, [groups, 1, n, n]; most windows have the same, so each is stored once. */
  #mask({ shape, values }: Traced): ValueName {
    const [groups, n] = shape as [number, number];
    const different = new Map<
      string,
      { readonly index: number; readonly row: ArrayLike<number> }
    >();
    const which = Int32Array.from({ length: groups }, (_, group) => {
      const row = (values as Int32Array).subarray(group * n, (group + 1) * n);
      const known = different.get(row.join()) ?? { index: different.size, row };
      different.set(row.join(), known);
      return known.index;
    });
    const stored = new Float32Array(different.size * n * n);
    for (const { index, row } of different.values()) {
      for (let pair = 0; pair < n * n; pair++) {
        const isApart = row[Math.floor(pair / n)] !== row[pair % n];
        if (isApart) stored[index * n * n + pair] = apartLogit;
      }
    }
    const masks = this.#graph.floats([different.size, 1, n, n], stored);
    return this.#graph.node('Gather', [masks, this.#graph.integers([groups], which)], { axis: 0 });
  }
}

/** What the networks ask of TF.js itself. */
function tracedTf(ops: TracedOps): unknown {
  const constant = (values: Float32Array | Int32Array, shape: Shape): Traced =>
    traced(shape, {}, values);
  return {
    tidy: <T>(compute: () => T): T => compute(),
    dispose: () => undefined,
    tensor2d: constant,
    reshape: (x: Traced, shape: Shape) => ops.reshape(x, shape),
    transpose: (x: Traced, order: readonly number[]) => ops.transpose(x, order),
    add: (a: Traced, b: Traced) => ops.elementwise('Add', [a, b]),
  };
}
