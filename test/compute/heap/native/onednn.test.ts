/** oneDNN's convolutions, where the library is: asked for, as `auto` takes them on no more than some processors. */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';

import {
  backendVariant,
  ComputeError,
  openEngine,
  type Tensor5D,
} from '../../../../src/compute/index.ts';
import { loadNative } from '../../../../src/compute/heap/native/module.ts';
import { loadOneDnn, oneDnnFor } from '../../../../src/compute/heap/native/onednn.ts';
import { nativeDefaults } from '../../../../src/compute/heap/native/options.ts';
import {
  operandsOf,
  relativeError,
  resultsOf,
  sumsOf,
  type Convolution,
  type Kernels,
} from './direct-convolution.ts';
import { opsSuite } from '../../ops/ops-suite.ts';

const convolutions: readonly Convolution[] = [
  { batch: 2, input: [6, 7, 9], inputs: 8, outputs: 16, kernel: 3, stride: 1 },
  { batch: 1, input: [6, 5, 7], inputs: 3, outputs: 5, kernel: 3, stride: 2 },
  // Its last voxel of each axis is seen by no window.
  { batch: 1, input: [5, 7, 9], inputs: 8, outputs: 8, kernel: 2, stride: 2 },
];

const names = ['convForward', 'convInputGradient', 'convFilterGradient'] as const;
const own = loadNative();
const oneDnn = own === null ? null : loadOneDnn(own);

if (own !== null) {
  describe('the choice of convolutions', () => {
    const forced = { ...nativeDefaults, convolutions: 'onednn' } as const;

    it('is ours unless a processor has wider vectors, or oneDNN is asked for', () => {
      for (const variant of ['avx2', 'x64', 'arm64']) {
        expect(oneDnnFor({ ...own, variant }, nativeDefaults), variant).null;
      }
      const bf16 = { ...nativeDefaults, precision: 'bf16' } as const;
      expect(oneDnnFor({ ...own, variant: 'avx512' }, bf16)).null;
      const ours = { ...nativeDefaults, convolutions: 'own' } as const;
      expect(oneDnnFor({ ...own, variant: 'avx512bf16' }, ours)).null;
    });

    if (oneDnn === null || oneDnn instanceof Error) {
      it('of oneDNN is refused where it is not, with the way to get it', () => {
        expect(() => oneDnnFor(own, forced)).throw(ComputeError, 'apt-get install libdnnl-dev');
        expect(oneDnnFor({ ...own, variant: 'avx512' }, nativeDefaults)).null;
      });
      return;
    }
    it('is oneDNN where it is faster, and where it is asked for', async () => {
      const bf16 = { ...nativeDefaults, precision: 'bf16' } as const;
      expect(oneDnnFor({ ...own, variant: 'avx512' }, nativeDefaults)).equal(oneDnn);
      expect(oneDnnFor({ ...own, variant: 'avx512bf16' }, bf16)).equal(oneDnn);
      expect(oneDnnFor(own, forced)).equal(oneDnn);
      const variant = await backendVariant({ backend: 'native', convolutions: 'onednn' });
      expect(variant).equal(`native ${own.variant} onednn`);
    });
  });
}

if (own !== null && oneDnn !== null && !(oneDnn instanceof Error)) {
  for (const threads of [1, 3]) {
    opsSuite(`native kernels with oneDNN on ${String(threads)} threads`, () =>
      openEngine({ backend: 'native', convolutions: 'onednn', threads }),
    );
  }

  describe("oneDNN's convolutions", () => {
    const kernels = (bf16: boolean, done: boolean[] = []): Kernels =>
      names.map((name) => (heap, words) => done.push(oneDnn[name](heap, words, bf16)));

    for (const conv of convolutions) {
      it(`give the sums of ${JSON.stringify(conv)}`, () => {
        const given = operandsOf(conv);
        const done: boolean[] = [];
        const actual = resultsOf(conv, given, kernels(false, done));
        expect(done).deep.equal([true, true, true]);
        sumsOf(conv, given).forEach((expected, i) => {
          expect(relativeError(actual[i]!, expected), names[i]).most(2e-6);
        });
      });
    }

    it('leave dense products to ours', () => {
      const conv: Convolution = { ...convolutions[0]!, kernel: 1 };
      const done: boolean[] = [];
      resultsOf(conv, operandsOf(conv), kernels(false, done));
      expect(done).deep.equal([false, false, false]);
    });

    it('have the values of the first thread on any number of threads', () => {
      const [conv] = convolutions as [Convolution];
      const given = operandsOf(conv);
      const forward = [1, 2, 3].map((threads) => {
        oneDnn.setThreads(threads);
        return Buffer.from(resultsOf(conv, given, kernels(false))[0]!.buffer);
      });
      expect(forward.every((bytes) => bytes.equals(forward[0]!))).true;
      expect(() => {
        oneDnn.setThreads(0);
      }).throw(RangeError);
    });

    it('are ours in bf16 where oneDNN has none for the processor, and else of rounded operands', async () => {
      const [conv] = convolutions as [Convolution];
      const given = operandsOf(conv);
      const done: boolean[] = [];
      const theirs = resultsOf(conv, given, kernels(true, done));
      const ours = names.map((name) => own.addon.kernels[`${name}Bf16`]!);
      const expected = resultsOf(conv, given, ours);
      done.forEach((isDone, i) => {
        if (isDone) expect(relativeError(theirs[i]!, expected[i]!), names[i]).most(1e-5);
      });
      // The engine gives ours where oneDNN gives none, and never nothing.
      const alone = await inEngine('own');
      const both = await inEngine('onednn');
      expect(relativeError(both, alone)).most(done[0] === true ? 1e-5 : 0);
      expect(alone.some((value) => value !== 0)).true;
    });

    it('have threads that sleep where they wait, also where a worker is the first to load them', () => {
      const index = new URL('../../../../src/compute/index', import.meta.url).href;
      const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
      const open =
        `import('${index}.${extension}').then(({ openEngine }) => ` +
        `openEngine({ backend: 'native', convolutions: 'onednn', threads: 2 }))`;
      const worker = `new (require('node:worker_threads').Worker)(${JSON.stringify(open)}, { eval: true })`;
      for (const program of [open, worker]) {
        const { status, stderr } = spawnSync(
          process.execPath,
          ['--disable-warning=ExperimentalWarning', '-e', program],
          {
            ...{ encoding: 'utf8', timeout: 30_000 },
            // The runtime then says, as it is loaded, what it found.
            env: { ...process.env, OMP_DISPLAY_ENV: 'true' },
          },
        );
        expect(status).equal(0);
        expect(stderr).contain("OMP_WAIT_POLICY = 'PASSIVE'");
      }
    });
  });
}

/** A bf16 convolution by an engine. */
async function inEngine(convolutions: 'own' | 'onednn'): Promise<Float32Array> {
  const engine = await openEngine({ backend: 'native', precision: 'bf16', convolutions });
  try {
    const { tf, ops } = engine;
    const x = tf.linspace(-1, 1, 5 * 6 * 7 * 8).reshape<Tensor5D>([1, 5, 6, 7, 8]);
    const w = tf.linspace(-2, 1, 16 * 8 * 27).reshape<Tensor5D>([16, 8, 3, 3, 3]);
    return ops.conv3d(x, w, null, { stride: 1 }).dataSync<'float32'>().slice();
  } finally {
    engine.close();
  }
}
