/** An ONNX file (IR version 8, opset 17) in the making: nodes, constants, inputs and outputs. Field numbers: onnx.proto3. */
import { createHash } from 'node:crypto';

import { invariant } from '../base/index.ts';
import { rawBytes, type TensorData } from '../weights/index.ts';
import { MessageWriter } from './protobuf.ts';

/** An integer, integers, or a float by name of its own. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number };

/** In which LayerNormalization first appears; onnxruntime 1.12 and later read it. */
const opset = 17;
const irVersion = 8;
const elementTypes = { float: 1, int64: 7 } as const;
const attributeTypes = { float: 1, int: 2, ints: 7 } as const;

/** A value of the graph. */
export type ValueName = string & { readonly __brand: 'ValueName' };

/** Nodes are added in the order in which they run. A constant is stored once, and what nothing uses is left out. */
export class OnnxGraph {
  readonly #graph = new MessageWriter();
  readonly #constants = new Map<string, ValueName>();
  readonly #parameters = new Map<ValueName, MessageWriter>();
  readonly #names = new Set<string>();
  #count = 0;

  /** Adds `op` and names its one output. */
  node(
    op: string,
    inputs: readonly ValueName[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): ValueName {
    const output = this.#fresh(`${op}_${this.#count++}`);
    const node = new MessageWriter();
    for (const input of inputs) {
      node.text(1, input);
      this.#use(input);
    }
    node.text(2, output).text(3, output).text(4, op);
    for (const [name, value] of Object.entries(attributes)) {
      node.message(5, attributeMessage(name, value));
    }
    this.#graph.message(1, node);
    return output;
  }

  /** A float32 initializer under its own name, stored once a node uses it: heads of training only are left out. */
  parameter(name: string, shape: readonly number[], data: Float32Array): ValueName {
    const value = this.#fresh(name);
    this.#parameters.set(value, tensorMessage(value, shape, 'float', rawBytes(data)));
    return value;
  }

  /** Float32 numbers that the graph computes with. Equal ones are stored once. */
  floats(shape: readonly number[], data: Float32Array): ValueName {
    return this.#constant(shape, 'float', data);
  }

  /** Indices and shapes, as int64. Equal ones are stored once. */
  integers(shape: readonly number[], values: ArrayLike<number>): ValueName {
    const pairs = new Int32Array(2 * values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      pairs[2 * i] = value;
      pairs[2 * i + 1] = value < 0 ? -1 : 0;
    }
    return this.#constant(shape, 'int64', pairs);
  }

  input(name: string, shape: readonly number[]): ValueName {
    const value = this.#fresh(name);
    this.#graph.message(11, valueInfo(value, shape));
    return value;
  }

  /** `from` under the name that callers ask for. */
  output(name: string, from: ValueName, shape: readonly number[]): void {
    const value = this.#fresh(name);
    this.#graph.message(
      1,
      new MessageWriter().text(1, from).text(2, value).text(3, value).text(4, 'Identity'),
    );
    this.#graph.message(12, valueInfo(value, shape));
  }

  /** The file; `metadata` goes into the model's properties. */
  encode(name: string, metadata: Readonly<Record<string, string>>): Uint8Array {
    const model = new MessageWriter()
      .int(1, irVersion)
      .text(2, 'annulus')
      .message(7, this.#graph.text(2, name))
      .message(8, new MessageWriter().text(1, '').int(2, opset));
    for (const [key, value] of Object.entries(metadata)) {
      model.message(14, new MessageWriter().text(1, key).text(2, value));
    }
    return model.finish();
  }

  #use(value: ValueName): void {
    const parameter = this.#parameters.get(value);
    if (parameter === undefined) return;
    this.#parameters.delete(value);
    this.#graph.message(5, parameter);
  }

  #constant(shape: readonly number[], type: 'float' | 'int64', data: TensorData): ValueName {
    const bytes = rawBytes(data);
    const digest = createHash('sha256').update(bytes).digest('hex');
    const key = `${type}[${shape.join()}]${digest}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const value = this.#fresh(`constant_${this.#constants.size}`);
    this.#graph.message(5, tensorMessage(value, shape, type, bytes));
    this.#constants.set(key, value);
    return value;
  }

  #fresh(name: string): ValueName {
    invariant(!this.#names.has(name), `the graph has one value called ${name}`);
    this.#names.add(name);
    return name as ValueName;
  }
}

function attributeMessage(name: string, value: OnnxAttribute): MessageWriter {
  const attribute = new MessageWriter().text(1, name);
  if (typeof value === 'number') return attribute.int(3, value).int(20, attributeTypes.int);
  if ('float' in value) return attribute.float(2, value.float).int(20, attributeTypes.float);
  return attribute.ints(8, value).int(20, attributeTypes.ints);
}

function tensorMessage(
  name: string,
  shape: readonly number[],
  type: keyof typeof elementTypes,
  bytes: Uint8Array,
): MessageWriter {
  const tensor = new MessageWriter();
  if (shape.length > 0) tensor.ints(1, shape);
  return tensor.int(2, elementTypes[type]).text(8, name).bytes(9, bytes);
}

function valueInfo(name: string, shape: readonly number[]): MessageWriter {
  const dims = new MessageWriter();
  for (const size of shape) dims.message(1, new MessageWriter().int(1, size));
  const tensor = new MessageWriter().int(1, elementTypes.float).message(2, dims);
  return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, tensor));
}
