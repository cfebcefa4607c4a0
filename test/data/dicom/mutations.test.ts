/** Some thousand damaged files; `mutations.slow.test.ts` has a hundred thousand. */
import { expect } from 'chai';
import { throwMutations } from './mutations.ts';

describe('a damaged DICOM file', () => {
  it('is refused or read whole, in bounded memory, and never crashes the reader', async () => {
    const count = Number(process.env.ANNULUS_DICOM_MUTATIONS ?? 5000);
    const tally = await throwMutations(count, 1);
    expect(tally.image + tally.refused + tally.other).equal(count);
    // Most changes hit values that nobody reads; others must have been noticed.
    expect(tally.refused).greaterThan(count / 20);
    expect(tally.image).greaterThan(count / 20);
  }).timeout(120_000);
});
