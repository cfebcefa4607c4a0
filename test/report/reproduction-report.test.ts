import { expect } from 'chai';
import { renderReproduction } from '../../src/report/index.ts';
import { boxPlot } from '../../src/report/box-plot.ts';
import { syntheticReproduction } from './synthetic-reproduction.ts';

describe('the report of a reproduction', () => {
  const record = syntheticReproduction();
  const page = renderReproduction(record);

  it('needs nothing from any network', () => {
    expect(page).match(/Content-Security-Policy"\s+content="default-src 'none'/);
    expect(page).not.match(/(src|href)\s*=\s*"(?!data:)/);
    expect(page).not.match(/<script|@import|url\(/);
  });

  it('says of every claim whether it holds, and by which figures', () => {
    expect(page).contain('✓ holds').and.contain('✗ does not hold').and.contain('– undecided');
    for (const { claim, figures } of record.verdicts) {
      expect(page).contain(claim).and.contain(figures);
    }
  });

  it("has a figure for each task with all arms, and the paper's medians beside ours", () => {
    for (const { title } of record.tasks) expect(page).contain(`aria-label="${title}: `);
    for (const { title } of record.arms) expect(page.split(title).length).greaterThan(6);
    expect(page).contain('2.6 / 2.8');
  });

  it('shows what is absent as absent', () => {
    const early = { ...record, groups: [], hospitalFigures: [], models: [], verdicts: [] };
    const empty = renderReproduction({
      ...early,
      downstream: { ...record.downstream, figures: [] },
    });
    expect(empty).contain('nothing measured');
    for (const text of [page, empty]) expect(text).not.match(/\bNaN\b|undefined<|Infinity/);
  });
});

describe('a box plot', () => {
  const plotOf = (...lists: readonly (readonly number[])[]): string =>
    boxPlot({
      ...{ title: 'errors', unit: 'mm', to: null },
      groups: lists.map((values, n) => ({
        title: `g${n}`,
        boxes: [{ label: 'a', values, tone: 'student', notes: [] }],
      })),
    }).text;
  const axisOf = (text: string): number =>
    Math.max(
      ...[...text.matchAll(/text-anchor="end"\s*>([\d.]+)</g)].map(([, tick]) => Number(tick)),
    );

  it('is not flattened by one long tail, whose values beyond it counts', () => {
    // Whiskers of the usual boxes end at 4: the axis ends at the tick after 1.05 · 2 · 4 = 8.4, not at 100.
    const usual = [1, 2, 3, 4];
    const text = plotOf(usual, usual, [2, 90, 95, 100]);
    expect(axisOf(text)).equal(10);
    expect(text).match(/>\+3</);
    expect(axisOf(plotOf(usual, usual))).equal(5);
  });

  it('draws all of few values, of many those beyond the whiskers', () => {
    const dots = (text: string): number => text.split('<circle').length - 1;
    expect(dots(plotOf([1, 2, 3]))).equal(3);
    // 200 values around 2 and one at 3.9: whiskers end 1.5 box lengths from the box, here below 3.1.
    const many = [...Array.from({ length: 200 }, (_, n) => 1.5 + n / 200), 3.9];
    expect(dots(plotOf(many, [4, 4.1, 4.2]))).equal(1 + 3);
  });
});
