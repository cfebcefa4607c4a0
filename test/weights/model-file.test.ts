import { expect } from 'chai';
import fc from 'fast-check';

import { concatBytes, messageOf } from '../../src/base/index.ts';
import {
  encodeCanonicalWeights,
  fileOrder,
  layoutOf,
  modelDigest,
  modelFileBytes,
  ModelReader,
  ModelWriter,
  readModel,
  WeightsError,
  writeModel,
  type ModelWeights,
} from '../../src/weights/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';

const tensor = (name: string, shape: readonly number[]): ModelWeights[0] => {
  const count = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: count }, (_, i) => (i + name.length) / 7);
  return { name, shape, data };
};

describe('a model as a file of a store', () => {
  it('is the canonical file, whatever the order of the list', async () => {
    const shapes = fc.uniqueArray(
      fc.tuple(fc.string({ minLength: 1, maxLength: 5 }), fc.array(fc.nat(4), { maxLength: 3 })),
      { selector: ([name]) => name, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(shapes, async (list) => {
        const weights = list.map(([name, shape]) => tensor(name, shape));
        const store = new MemoryStore();
        const written = await writeModel(store, 'm', weights);
        const file = encodeCanonicalWeights(weights);
        expect(store.files.get('m')).to.deep.equal(file);
        expect(written).to.deep.equal({ digest: modelDigest(weights), bytes: file.byteLength });
        expect(modelFileBytes(layoutOf(weights))).to.equal(file.byteLength);
        expect(await readModel(store, 'm', layoutOf(weights))).to.deep.equal(weights);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it('is read and written in pieces', async () => {
    const weights = [tensor('b', [3, 5]), tensor('a', [4])];
    const layout = layoutOf(weights);
    const store = new MemoryStore();
    const writer = await ModelWriter.create(store, 'm', layout);
    expect(fileOrder(layout)).to.deep.equal([1, 0]);
    await writer.write(weights[1]!.data);
    for (const at of [0, 7]) await writer.write(weights[0]!.data.subarray(at, at + 7));
    expect(await store.has('m')).to.equal(false);
    await writer.write(weights[0]!.data.subarray(14));
    expect((await writer.commit()).digest).to.equal(modelDigest(weights));
    const reader = await ModelReader.open(store, 'm', layout);
    expect(await reader.read(0, 6, 9)).to.deep.equal(weights[0]!.data.slice(6));
    expect(await reader.read(1, 0, 4)).to.deep.equal(weights[1]!.data);
  });

  it('leaves no open file when the disk takes not even its header', async () => {
    const store = new MemoryStore();
    store.writerFails = true;
    const layout = [{ name: 'a', shape: [1] }];
    const failed = await ModelWriter.create(store, 'm', layout).catch(messageOf);
    expect([failed, store.underWay]).deep.equal(['the disk is gone', 0]);
  });

  it('is refused when it is cut, longer, absent, or of another layout', async () => {
    const weights = [tensor('b', [3, 5]), tensor('a', [4])];
    const file = encodeCanonicalWeights(weights);
    const other = encodeCanonicalWeights([tensor('b', [5, 3]), tensor('a', [4])]);
    const files: Record<string, Uint8Array> = {
      'a cut': file.slice(0, -1),
      'a byte more': concatBytes(file, Uint8Array.of(0)),
      'nothing in it': new Uint8Array(),
      'another shape': other,
      'another name': encodeCanonicalWeights([tensor('b', [3, 5]), tensor('c', [4])]),
      'another header': file.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const store = new MemoryStore();
      store.files.set('m', bytes);
      const work = readModel(store, 'm', layoutOf(weights));
      expect(await codeOf(work), name).to.equal('shape_mismatch');
    }
    const absent = readModel(new MemoryStore(), 'm', layoutOf(weights));
    expect(await codeOf(absent)).to.equal('shape_mismatch');
  });
});

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof WeightsError) return error.code;
    throw error;
  }
}
