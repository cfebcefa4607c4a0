/** What only the native backend has, asked of it and of others. */
import { expect } from 'chai';

import {
  backendNames,
  backendVariant,
  ComputeError,
  openEngine,
  precisionNote,
} from '../../../../src/compute/index.ts';
import { loadNative } from '../../../../src/compute/heap/native/module.ts';

async function refusalOf(promise: Promise<unknown>): Promise<ComputeError> {
  const error: unknown = await promise.then(
    () => expect.fail('refused'),
    (reason: unknown) => reason,
  );
  expect(error).instanceOf(ComputeError);
  return error as ComputeError;
}

const native = loadNative();

describe('options of the native backend', () => {
  for (const backend of backendNames.filter((name) => name !== 'native')) {
    it(`are refused on ${backend}, with the way out`, async () => {
      const bf16 = await refusalOf(openEngine({ backend, precision: 'bf16' }));
      expect(bf16.message).equal(
        `${backend} has no precision bf16: take backend native, or precision f32`,
      );
      const variant = await refusalOf(backendVariant({ backend, precision: 'bf16' }));
      expect(variant.facts).deep.include({ code: 'native_only', backend });
    });
  }

  it('are nothing to others as long as they are the defaults', async () => {
    const options = { precision: 'f32' } as const;
    expect(await backendVariant({ backend: 'cpu', ...options })).equal('cpu');
    expect(precisionNote(options)).null;
  });

  if (native === null) {
    it('make auto look for the native backend', async () => {
      const refusal = await refusalOf(openEngine({ backend: 'auto', precision: 'bf16' }));
      expect(refusal.facts).deep.include({ code: 'backend_missing', backend: 'native' });
    });
    return;
  }
  it('make auto take the native backend', async () => {
    const variant = await backendVariant({ backend: 'auto', precision: 'bf16' });
    expect(variant).equal(`native ${native.variant} bf16`);
  });

  it('tell of bf16 where the processor has no instruction for it', () => {
    const note = precisionNote({ precision: 'bf16' });
    if (native.variant === 'avx512bf16') expect(note).null;
    else expect(note).contain('no bf16 instructions');
    expect(precisionNote({})).null;
  });
});
