/** Consortia of every size finish ten rounds although as many members as may fail do: same models, and the right ones. */
import { endsWell, kinds } from './ten-rounds.ts';

/** Sizes at which each kind has a run of its own; the largest has a third of f of each kind in one run. */
const small = [4, 7, 16, 31];
const large = [64];

describe('ten rounds of a virtual consortium', function () {
  this.timeout(600_000);

  for (const count of small) {
    for (const kind of kinds) {
      it(`of ${count} with f ${kind}`, async () => {
        await endsWell(count, [kind]);
      });
    }
  }
  for (const count of large) {
    it(`of ${count} with f that are slow, silent or crashing`, async () => {
      await endsWell(count, kinds);
    });
  }
});
