/** The backward walk against TF.js's own and against arithmetic: the same gradients, freed as it goes, and all on error. */
import { expect } from 'chai';
import type { GradSaveFunc, Rank, Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';

import { seededRandom } from '../../../src/base/index.ts';
import {
  recomputed,
  ComputeError,
  differentiate,
  openEngine,
  type BackendName,
  type Engine,
} from '../../../src/compute/index.ts';
import { backends } from '../../models/backends.ts';

/** 4 MiB of floats. */
const count = 2 ** 20;
const mebibyte = 2 ** 20;

function draw({ tf }: Engine, seed: string, length: number): Tensor1D {
  const random = seededRandom(seed);
  return tf.tensor1d(Float32Array.from({ length }, () => random.normal()));
}

/** Every x is used more than once, one by a branch that leads nowhere; of a split only the middle is used. */
function branches({ tf, ops }: Engine, a: Tensor1D, b: Tensor1D): Scalar {
  const product = tf.mul(a, b);
  const [, middle] = tf.split(tf.add(product, a), 3) as [Tensor1D, Tensor1D, Tensor1D];
  tf.square(b);
  const cubed = tf.customGrad((...args: (Tensor | GradSaveFunc)[]) => {
    const [x, save] = args as [Tensor, GradSaveFunc];
    save([x]);
    return {
      value: tf.pow(x, 3),
      gradFunc: (dy: Tensor, [kept]: Tensor[]) => tf.mul(dy, tf.mul(tf.square(kept!), 3)),
    };
  });
  const joined = tf.concat([middle, cubed(b) as Tensor1D, ops.gelu(product)]);
  return tf.add<Scalar>(tf.sum(tf.mul(joined, joined)), tf.sum(a));
}

function bytesOf(tensors: readonly (Tensor | null)[]): Buffer[] {
  return tensors.map((tensor) => Buffer.from(tensor!.dataSync().slice().buffer));
}

/** Twenty operations one after the other, each of which needs its input again. */
function chain({ tf, ops }: Engine, x: Tensor1D, length = 20): Scalar {
  return tf.tidy(() => {
    let y = x;
    for (let i = 0; i < length; i++) {
      const before = y;
      y = ops.gelu(before);
      if (i > 0) before.dispose();
    }
    return tf.sum<Scalar>(y);
  });
}

/** The chain in blocks of four. */
function blocks({ tf, ops }: Engine, x: Tensor1D, length = 20): Scalar {
  return tf.tidy(() => {
    let y = x;
    for (let i = 0; i < length; i += 4) {
      const before = y;
      y = recomputed(tf, [before], (start) =>
        tf.tidy(() => {
          let z = start;
          for (let k = 0; k < 4; k++) {
            const previous = z;
            z = ops.gelu(previous);
            if (k > 0) previous.dispose();
          }
          return z;
        }),
      );
      if (i > 0) before.dispose();
    }
    return tf.sum<Scalar>(y);
  });
}

for (const backend of backends) {
  describe(`the backward walk on ${backend}`, () => {
    let engine: Engine;
    before(async () => {
      engine = await openEngine({ backend });
    });
    after(() => {
      engine.close();
    });

    it('gives the gradients of a function that calculus knows, and none where there is none', () => {
      const { tf } = engine;
      const before = engine.memory().tensorCount;
      const [a, b, c] = [tf.scalar(2), tf.scalar(3), tf.scalar(5)];
      // y = a·b + a², so that ∂y/∂a = b + 2a and ∂y/∂b = a.
      const found = differentiate(engine, () => tf.add(tf.mul(a, b), tf.square(a)), [a, b, c]);
      expect(found.value.dataSync()[0]).equal(10);
      expect(found.gradients.map((gradient) => gradient?.dataSync()[0] ?? null)).deep.equal([
        ...[7, 2, null],
      ]);
      tf.dispose([a, b, c, found.value, ...found.gradients.filter((g) => g !== null)]);
      expect(engine.memory().tensorCount).equal(before);
    });

    it('gives the bytes of tf.grads for branches and reuse, twenty times over, and leaks nothing', () => {
      const { tf } = engine;
      const [a, b] = [draw(engine, 'a', 30), draw(engine, 'b', 30)];
      const wanted = tf.grads((x: Tensor, y: Tensor) =>
        branches(engine, x as Tensor1D, y as Tensor1D),
      )([a, b]);
      const expected = bytesOf(wanted);
      tf.dispose(wanted);
      const before = engine.memory().tensorCount;
      for (let step = 0; step < 20; step++) {
        const { value, gradients } = differentiate(engine, () => branches(engine, a, b), [a, b]);
        expect(bytesOf(gradients)).deep.equal(expected);
        tf.dispose([value, ...(gradients as Tensor[])]);
        expect(engine.memory().tensorCount).equal(before);
      }
    });

    it('runs a recomputed block once more for the same bytes, also inside another', () => {
      const { tf, ops } = engine;
      const [x, w] = [draw(engine, 'x', 40), draw(engine, 'w', 40)];
      let runs = 0;
      // The block's input is used before, in and after it, and `w` both inside and outside.
      const net = (block: typeof recomputed): Scalar => {
        const early = tf.mul(x, w);
        const late = block(tf, [early, x], (y, z) => {
          runs++;
          const inner = block(tf, [y], (v) => ops.gelu(tf.mul(tf.mul(v, v), w)));
          return tf.add(tf.mul(inner, y), z);
        });
        return tf.sum<Scalar>(tf.mul(tf.mul(late, early), w));
      };
      const plain = differentiate(engine, () => net((_tf, inputs, run) => run(...inputs)), [x, w]);
      expect(runs).equal(1);
      const before = engine.memory().tensorCount;
      const again = differentiate(engine, () => net(recomputed), [x, w]);
      expect(runs).equal(3);
      expect(bytesOf([again.value, ...again.gradients])).deep.equal(
        bytesOf([plain.value, ...plain.gradients]),
      );
      tf.dispose([again.value, ...(again.gradients as Tensor[])]);
      expect(engine.memory().tensorCount).equal(before);
    });

    it('takes a recomputed block for what it holds where nothing is recorded, or by TF.js', () => {
      const { tf } = engine;
      const x = tf.scalar(3);
      const square = (v: Tensor): Scalar => recomputed(tf, [v], (y) => tf.square(y) as Scalar);
      expect(square(x).dataSync()[0]).equal(9);
      expect(tf.grad(square)(x).dataSync()[0]).equal(6);
    });

    it('frees everything when the pass or the walk fails', () => {
      const { tf } = engine;
      const x = draw(engine, 'x', 10);
      const failing = (inForward: boolean): ((v: Tensor1D) => Tensor1D) =>
        tf.customGrad((...args: (Tensor | GradSaveFunc)[]) => {
          const [v, save] = args as [Tensor, GradSaveFunc];
          if (inForward) throw new Error('in the pass');
          save([v]);
          return {
            value: tf.clone(v),
            gradFunc: () => {
              tf.square(x);
              throw new Error('in the walk');
            },
          };
        }) as never;
      const before = engine.memory().tensorCount;
      for (const [inForward, message] of [
        [true, 'in the pass'],
        [false, 'in the walk'],
      ] as const) {
        const fail = failing(inForward);
        const net = (inBlock: boolean): Scalar => {
          const y = tf.mul(tf.square(x), x);
          const z = inBlock
            ? recomputed(tf, [y], (v) => fail(tf.mul<Tensor1D>(v, v)))
            : fail(y as Tensor1D);
          return tf.sum<Scalar>(tf.mul(z, y));
        };
        for (const inBlock of [false, true]) {
          expect(() => differentiate(engine, () => net(inBlock), [x])).throw(message);
          expect(engine.memory().tensorCount, `${message}, ${inBlock}`).equal(before);
        }
      }
      // Nothing of the failed ones is left on the tape.
      const { gradients } = differentiate(engine, () => tf.sum<Scalar>(x), [x]);
      expect([...gradients[0]!.dataSync()]).deep.equal(Array(10).fill(1));
    });
  });
}

/** Whether `run` fits a heap of so many MiB; if not, that all it made was freed. */
async function fits(
  backend: BackendName,
  mebibytes: number,
  run: (engine: Engine, x: Tensor1D) => Tensor[],
): Promise<boolean> {
  const engine = await openEngine({ backend, heapBytesMax: mebibytes * mebibyte });
  try {
    const { tf } = engine;
    const x = tf.ones<Rank.R1>([count]);
    const before = engine.memory().tensorCount;
    try {
      tf.dispose(run(engine, x));
      return true;
    } catch (error) {
      expect((error as ComputeError).code).equal('heap_exhausted');
      return false;
    } finally {
      if (run !== throughTfjs) expect(engine.memory().tensorCount, 'left over').equal(before);
    }
  } finally {
    engine.close();
  }
}

function throughTfjs(engine: Engine, x: Tensor1D): Tensor[] {
  return [engine.tf.grad((v: Tensor) => chain(engine, v as Tensor1D))(x)];
}

function through(
  net: (engine: Engine, x: Tensor1D) => Scalar,
): (engine: Engine, x: Tensor1D) => Tensor[] {
  return (engine, x) => {
    const { value, gradients } = differentiate(engine, () => net(engine, x), [x]);
    return [value, ...(gradients as Tensor[])];
  };
}

for (const backend of backends.filter((name) => name !== 'cpu')) {
  describe(`the memory of the backward walk on ${backend}`, () => {
    // Twenty inputs of 4 MiB that the gradients need make 80 MiB. TF.js's walk adds twenty gradients, ours two; the
    // heap starts with 16 MiB of its own. In five blocks of four: five inputs and four inside a block.
    it('is what the pass saved and the gradient at hand, not all gradients', async () => {
      expect(await fits(backend, 128, throughTfjs)).equal(false);
      expect(await fits(backend, 128, through(chain))).equal(true);
    });

    it('is of recomputed blocks their inputs and one of them run again', async () => {
      expect(await fits(backend, 80, through(chain))).equal(false);
      expect(await fits(backend, 80, through(blocks))).equal(true);
      expect(await fits(backend, 32, through(blocks))).equal(false);
    });
  });
}
