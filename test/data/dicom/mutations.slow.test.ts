/** A hundred thousand damaged files. */
import { expect } from 'chai';
import { throwMutations } from './mutations.ts';

describe('a hundred thousand damaged DICOM files', () => {
  it('are refused or read whole, in bounded memory', async () => {
    const tally = await throwMutations(100_000, 2);
    expect(tally.image + tally.refused + tally.other).equal(100_000);
  });
});
