/** Updates whose size gives them away are refused before any of them is fetched. */
import { expect } from 'chai';
import type { Digest, NodeId } from '../../../src/base/index.ts';
import { updateBytesOf, type UpdateBook, type UpdateFacts } from '../../../src/gossip/index.ts';
import { averagingRule } from '../../../src/gossip/index.ts';
import { UpdateOpening, type OpeningContext } from '../../../src/peer/rounds/update-opening.ts';
import type { RoundRule } from '../../../src/wire/index.ts';

const rule: RoundRule = {
  ...{ kind: 'exact', samplesCap: 50, weightMax: 100, clampMicro: 1_000_000 },
  ...{ outerRateMicro: 1_000_000, outerMomentumMicro: 0, compression: 'int8' },
};

describe('an update of another size than its rule says', () => {
  it('is spoilt at once, and nothing of it is asked for', async () => {
    const asked: number[] = [];
    const marked: string[] = [];
    const noted: object[] = [];
    const context = {
      open: { r: 3, rule },
      stage: {},
      consortium: { manifest: { members: [1, 2, 3, 4] } },
      record: { note: (event: object) => noted.push(event) },
      models: { layout: () => Promise.resolve([{ name: 'w', shape: [1000] }]) },
      content: {
        obtain: (_digest: Digest, bytes: number) => {
          asked.push(bytes);
          return Promise.reject(new Error('nobody has it'));
        },
      },
    } as unknown as OpeningContext;
    const book = {
      mark: (_env: Digest, state: string) => marked.push(state),
      stateOf: () => marked.at(-1) ?? 'awaited',
    } as unknown as UpdateBook;
    const opening = new UpdateOpening(context, book);
    const factsOf = (updateBytes: number): UpdateFacts =>
      ({ author: 'L2' as NodeId, env: 'e', statement: { updateBytes } }) as unknown as UpdateFacts;
    const refusalOf = (updateBytes: number): Promise<string> =>
      opening.open(factsOf(updateBytes)).then(String, (error: unknown) => String(error));
    // By hand: 4 scales of 4 bytes, 1000 levels, a header of 56 and one tag of 16.
    const right = 1088;
    expect(updateBytesOf(averagingRule(rule, 4), 1000)).to.equal(right);
    for (const wrong of [right - 1, right + 1, 4_000_000_000]) {
      expect(await refusalOf(wrong)).to.match(
        /update of L2 for round 3: expected an update of 1088 bytes/,
      );
    }
    expect(asked).to.deep.equal([]);
    expect(marked).to.deep.equal(['spoilt', 'spoilt', 'spoilt']);
    // Once, with a code and no words.
    const refusal = {
      event: 'update-refused',
      round: 3,
      reason: 'bad_bulk',
      env: 'e',
      author: 'L2',
    };
    expect(noted).to.deep.equal([refusal]);
    expect(await refusalOf(right)).to.match(/nobody has it/);
    expect(asked).to.deep.equal([right]);
  });
});
