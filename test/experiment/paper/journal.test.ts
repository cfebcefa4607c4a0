import { expect } from 'chai';
import { digestOf } from '../../../src/crypto/index.ts';
import { begin, Journal, type Beginning } from '../../../src/experiment/paper/journal.ts';
import { ReproduceError } from '../../../src/experiment/index.ts';
import { MemoryStore } from '../../audit/memory-store.ts';
import { tinySettings } from './tiny-preset.ts';

const program = digestOf(Uint8Array.of(1));
const silent = (): void => undefined;

function asked(key?: string, text?: string): Beginning {
  const overrides = key === undefined ? [] : [{ key, text: text ?? '', source: '--set' }];
  const { consortium, phantom, models, training, sampling, distillation, inference } =
    tinySettings(overrides);
  const settings = { consortium, phantom, models, training, sampling, distillation, inference };
  return { settings, backend: 'native avx2' };
}

describe('the beginning of a reproduction', () => {
  it('is kept, and found again', async () => {
    const store = new MemoryStore();
    expect(await begin(store, 'f', asked(), program)).equal(true);
    expect(await begin(store, 'f', asked(), program)).equal(true);
    expect(await begin(store, 'f', asked('compute.workers', '1'), program)).equal(true);
  });

  it('is told apart from that of another program, which may go on', async () => {
    const store = new MemoryStore();
    await begin(store, 'f', asked(), program);
    expect(await begin(store, 'f', asked(), digestOf(Uint8Array.of(2)))).equal(false);
  });

  const others: [string, Beginning][] = [
    [
      'sampling.scannerNoiseStdDevMax was 0, now 0.1',
      asked('sampling.scannerNoiseStdDevMax', '0.1'),
    ],
    ['training.patch.0 was 16, now 8', asked('training.patch', '[8, 16, 16]')],
    ['backend was "native avx2", now "wasm"', { ...asked(), backend: 'wasm' }],
  ];
  for (const [words, other] of others) {
    it(`refuses another: ${words}`, async () => {
      const store = new MemoryStore();
      await begin(store, 'f', asked(), program);
      const error: unknown = await begin(store, 'f', other, program).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).instanceOf(ReproduceError).with.property('code', 'other_settings');
      expect((error as Error).message).contain(words);
    });
  }
});

describe('a unit', () => {
  it('is made once, and found ever after', async () => {
    const store = new MemoryStore();
    let made = 0;
    let found = 0;
    const make = (): Promise<{ n: number | null }> => Promise.resolve({ n: ++made > 1 ? 9 : null });
    for (const journal of [new Journal(store), new Journal(store)]) {
      expect(await journal.once('a/b', make, () => (found += 1))).deep.equal({ n: null });
    }
    expect([made, found]).deep.equal([1, 1]);
  });

  it('that failed is made again', async () => {
    const journal = new Journal(new MemoryStore());
    const fails = (): Promise<number> => Promise.reject(new Error('no'));
    await journal.once('a', fails, silent).catch(silent);
    expect(await journal.once('a', () => Promise.resolve(5), silent)).equal(5);
  });
});
