import { expect } from 'chai';
import { WorkView } from '../../src/cli/work-view.ts';

function viewed(isLive: boolean): { view: WorkView; said: string[]; pass: (ms: number) => void } {
  let nowMs = 1_000;
  const said: string[] = [];
  const screen = {
    write: (text: string) => said.push(text),
    erase: (rows: number) => said.push(`<erase ${rows}>`),
    ...{ isLive, columns: 80 },
  };
  return {
    view: new WorkView({ ...screen, nowMs: () => nowMs }),
    said,
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

describe('the progress of a reproduction', () => {
  it('takes the rest for as slow as what was done now, not as what was found done', () => {
    const { view, said, pass } = viewed(false);
    view.onProgress({ total: 100, done: 60, found: 60, line: null });
    expect(view.leftMs()).equal(null);
    pass(20_000);
    // 10 of the work in 20 s: 30 more take 60 s.
    view.onProgress({ total: 100, done: 70, found: 60, line: 'a model' });
    expect(view.leftMs()).equal(60_000);
    expect(said).deep.equal(['00:20  a model (70 %, about 1 min 0 s left)\n']);
  });

  it('is done at once when everything was found', () => {
    const { view } = viewed(false);
    view.onProgress({ total: 100, done: 100, found: 100, line: null });
    expect(view.leftMs()).equal(0);
  });

  it('has a last line that moves on a screen, and leaves it clean', () => {
    const { view, said, pass } = viewed(true);
    pass(1_000);
    view.onProgress({ total: 10, done: 5, found: 0, line: null });
    expect(said.join('')).contain('50 %, about 1.0 s left');
    view.stop();
    expect(said.at(-1)).equal('<erase 0>');
  });
});
