import { expect } from 'chai';
import type { Height } from '../../src/base/index.ts';
import { CatchUp } from '../../src/peer/catch-up.ts';

const height = (h: number): Height => h as Height;

describe('CatchUp', () => {
  /** Heights at which it was told that this node has caught up. */
  let told: number[];
  const catchUp = (start: number): CatchUp =>
    new CatchUp(height(start), (at) => {
      told.push(at);
    });

  beforeEach(() => {
    told = [];
  });

  it('says nothing of a fresh node that keeps up: one block behind is ordinary', () => {
    const fresh = catchUp(0);
    fresh.look(height(0));
    for (const h of [1, 2, 3]) {
      fresh.heard(height(h), height(h - 1));
      fresh.look(height(h));
    }
    expect(told).to.deep.equal([]);
  });

  it('waits after a restart until the others have said how far they are, and says it once', () => {
    const restarted = catchUp(5);
    restarted.look(height(5));
    expect(told).to.deep.equal([]);
    restarted.heard(height(9), height(5));
    restarted.look(height(8));
    expect(told).to.deep.equal([]);
    restarted.look(height(9));
    restarted.look(height(10));
    expect(told).to.deep.equal([9]);
  });

  it('says it again of a node that fell behind again', () => {
    const fresh = catchUp(0);
    for (const [theirs, own] of [
      [2, 0],
      [7, 4],
    ] as const) {
      fresh.heard(height(theirs), height(own));
      fresh.look(height(own));
      fresh.look(height(theirs));
    }
    expect(told).to.deep.equal([2, 7]);
  });
});
