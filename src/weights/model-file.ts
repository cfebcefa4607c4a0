/**
 * Models as canonical files of a store, read and written in pieces: a model is 248 MB, and who averages models holds none
 * of them whole. Such a file is named by its digest (`modelDigest`), and its header follows from the layout alone.
 */
import { createHash, type Hash } from 'node:crypto';

import { equalBytes, invariant, type Digest, type Store, type StoreWriter } from '../base/index.ts';
import { byName } from './digest.ts';
import { WeightsError } from './errors.ts';
import { rawBytes, safetensorsHeader } from './safetensors.ts';
import {
  elementCount,
  layoutOf,
  parameterCount,
  type ModelLayout,
  type ModelWeights,
} from './tensors.ts';

/** Numbers in a piece: 1 MiB. */
export const pieceValues: number = 256 * 1024;
const valueBytes = 4;

/** A file that was written. */
export interface WrittenModel {
  readonly digest: Digest;
  readonly bytes: number;
}

/** Size of the canonical file of a model. */
export function modelFileBytes(layout: ModelLayout): number {
  return headerOf(layout).byteLength + valueBytes * parameterCount(layout);
}

/** A canonical file, read in pieces. */
export class ModelReader {
  readonly #store: Pick<Store, 'readPart'>;
  readonly #name: string;
  /** Where the numbers of each tensor of the layout begin. */
  readonly #offsets: readonly number[];
  readonly #counts: readonly number[];

  private constructor(store: Pick<Store, 'readPart'>, name: string, layout: ModelLayout) {
    this.#store = store;
    this.#name = name;
    this.#counts = layout.map(({ shape }) => elementCount(shape));
    const starts = new Map<string, number>();
    let offset = headerOf(layout).byteLength;
    for (const { name: tensor, shape } of byName(layout)) {
      starts.set(tensor, offset);
      offset += valueBytes * elementCount(shape);
    }
    this.#offsets = layout.map(({ name: tensor }) => starts.get(tensor) ?? 0);
  }

  /**
   * Checks size and header; the numbers are the caller's to check, by the file's digest.
   * @throws {WeightsError} 'shape_mismatch' when there is no file or it is not a canonical one of this layout
   */
  static async open(
    store: Pick<Store, 'readPart' | 'size'>,
    name: string,
    layout: ModelLayout,
  ): Promise<ModelReader> {
    const header = headerOf(layout);
    const size = await store.size(name);
    const wanted = modelFileBytes(layout);
    if (size !== wanted) throw mismatch(name, `${wanted} bytes, got ${String(size)}`);
    const found = await store.readPart(name, 0, header.byteLength);
    if (found === null || !equalBytes(found, header))
      throw mismatch(name, 'the header of its model');
    return new ModelReader(store, name, layout);
  }

  /** Numbers [start, start + count) of the tensor at this place of the layout. */
  async read(tensor: number, start: number, count: number): Promise<Float32Array> {
    const offset = (this.#offsets[tensor] ?? 0) + valueBytes * start;
    invariant(start + count <= (this.#counts[tensor] ?? 0), 'a piece lies inside its tensor');
    const bytes = await this.#store.readPart(this.#name, offset, valueBytes * count);
    if (bytes?.byteLength !== valueBytes * count) throw mismatch(this.#name, 'all its bytes');
    // A store may give a view at an odd place of a larger buffer.
    return bytes.byteOffset % valueBytes === 0
      ? new Float32Array(bytes.buffer, bytes.byteOffset, count)
      : new Float32Array(bytes.slice().buffer);
  }
}

/** Writes a canonical file in pieces. Single use; ends with `commit` or `discard`. */
export class ModelWriter {
  readonly #writer: StoreWriter;
  readonly #hash: Hash;
  #left: number;
  #bytes = 0;

  private constructor(writer: StoreWriter, values: number) {
    this.#writer = writer;
    this.#hash = createHash('sha256');
    this.#left = values;
  }

  /** Begins with the header. */
  static async create(
    store: Pick<Store, 'create'>,
    name: string,
    layout: ModelLayout,
  ): Promise<ModelWriter> {
    const writer = new ModelWriter(await store.create(name), parameterCount(layout));
    try {
      await writer.#add(headerOf(layout));
      return writer;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** Adds numbers: tensors in the order of `fileOrder`, each from its first number on. */
  async write(values: Float32Array): Promise<void> {
    this.#left -= values.length;
    await this.#add(rawBytes(values));
  }

  /** Gives the file its name, durably. */
  async commit(): Promise<WrittenModel> {
    invariant(this.#left === 0, 'a model is written whole');
    await this.#writer.commit();
    return { digest: this.#hash.digest('hex') as Digest, bytes: this.#bytes };
  }

  async discard(): Promise<void> {
    await this.#writer.discard();
  }

  async #add(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#bytes += bytes.byteLength;
    await this.#writer.write(bytes);
  }
}

/** Places in the layout of the tensors, in the order of the canonical file. */
export function fileOrder(layout: ModelLayout): number[] {
  return byName(layout.map(({ name }, index) => ({ name, index }))).map(({ index }) => index);
}

/** The whole model of a file. @throws {WeightsError} as `ModelReader.open` */
export async function readModel(
  store: Pick<Store, 'readPart' | 'size'>,
  name: string,
  layout: ModelLayout,
): Promise<ModelWeights> {
  const reader = await ModelReader.open(store, name, layout);
  const weights = [];
  for (const [index, tensor] of layout.entries()) {
    weights.push({ ...tensor, data: await reader.read(index, 0, elementCount(tensor.shape)) });
  }
  return weights;
}

/** The canonical file of a model. */
export async function writeModel(
  store: Pick<Store, 'create'>,
  name: string,
  weights: ModelWeights,
): Promise<WrittenModel> {
  const writer = await ModelWriter.create(store, name, layoutOf(weights));
  try {
    for (const { data } of byName(weights)) {
      for (let at = 0; at < data.length; at += pieceValues) {
        await writer.write(data.subarray(at, at + pieceValues));
      }
    }
    return await writer.commit();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

function headerOf(layout: ModelLayout): Uint8Array {
  return safetensorsHeader(
    byName(layout).map(({ name, shape }) => {
      return { name, shape, dtype: 'F32', bytes: valueBytes * elementCount(shape) };
    }),
  );
}

function mismatch(name: string, expected: string): WeightsError {
  return new WeightsError(
    { code: 'shape_mismatch', expected },
    `model file ${name}: expected ${expected}`,
  );
}
