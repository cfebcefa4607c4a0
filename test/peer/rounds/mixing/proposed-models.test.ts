import { expect } from 'chai';
import type { Digest, NodeId } from '../../../../src/base/index.ts';
import type { RoundContext } from '../../../../src/peer/round-protocol.ts';
import { ProposedModels } from '../../../../src/peer/rounds/mixing/proposed-models.ts';

const [base, ours, theirs] = ['a', 'b', 'c'].map((letter) => letter.repeat(64) as Digest);
const members = ['L1', 'L2', 'L3', 'L4'] as NodeId[];
const pass = (): Promise<void> => new Promise((go) => setImmediate(go));

/** Comparisons end when told, each with models that are as far apart as told. */
function proposedOf(): { proposed: ProposedModels; compared: ((apart: number) => void)[] } {
  const compared: ((apart: number) => void)[] = [];
  const context = {
    ...{ open: { r: 1, base }, stage: {}, settings: { lossFactorMax: 2 } },
    consortium: { manifest: { members } },
    models: {
      layout: () => Promise.resolve([]),
      obtain: (_stage: unknown, digest: Digest) => Promise.resolve(digest),
      holdOutLoss: () => Promise.resolve(null),
    },
    ports: {
      averager: {
        compare: () =>
          new Promise((resolve) => {
            compared.push((apart) => {
              resolve({ kind: 'compared', apart });
            });
          }),
      },
      logger: { log: () => undefined },
    },
    post: (task: () => void) => {
      task();
    },
    broadcast: () => undefined,
  };
  return { proposed: new ProposedModels(context as unknown as RoundContext, 0.5), compared };
}

describe('models that others propose to seal', () => {
  const own = { model: ours!, isRefused: false };

  it('are looked at anew once the own model is here, also when a look without it ends later', async () => {
    const { proposed, compared } = proposedOf();
    expect(proposed.judge(theirs!, null, ['L2' as NodeId], members)).equal('wait');
    await pass();
    proposed.ownCame();
    compared[0]?.(0);
    await pass();
    expect(proposed.judge(theirs!, own, ['L2' as NodeId], members)).equal('wait');
    await pass();
    expect(compared).lengthOf(2);
    compared[1]?.(0.25);
    await pass();
    expect(proposed.near()).deep.equal([theirs]);
    expect(proposed.judge(theirs!, own, ['L2' as NodeId], members)).equal('accept');
  });

  it('are refused when they are further from the own one than the bound', async () => {
    const { proposed, compared } = proposedOf();
    proposed.judge(theirs!, own, [], members);
    await pass();
    compared[0]?.(0.75);
    await pass();
    expect(proposed.judge(theirs!, own, [], members)).equal('reject');
  });
});
