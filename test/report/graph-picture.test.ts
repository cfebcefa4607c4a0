/** The picture of a graph: what is in it, counted by hand. */
import { expect } from 'chai';
import { graphPicture, type GraphPicture } from '../../src/report/index.ts';

const square: GraphPicture = {
  title: 'square',
  facts: 'gap <1>',
  nodes: ['a', 'b', 'c', 'd & e'].map((name, i) => ({ name, group: i % 2 })),
  links: [[0, 0], [0, 1], [1, 0], [1, 2], [2, 3], [3, 0]],
  directed: false,
  layout: 'circle',
}; // prettier-ignore

const count = (text: string, what: RegExp): number => [...text.matchAll(what)].length;

describe('the picture of a graph', () => {
  it('has a dot for each node, a line for each edge, and names as text', () => {
    const svg = graphPicture(square);
    expect(count(svg, /<circle /g)).equal(4);
    expect(count(svg, /<path d="M[^"]*"\/>/g)).equal(4);
    expect(svg).contain('d &amp; e').and.contain('gap &lt;1&gt;');
    expect(svg).not.contain('marker-end');
    expect(
      new Set([...svg.matchAll(/r="[\d.]+" fill="(#\w+)"/g)].map(([, fill]) => fill)).size,
    ).equal(2);
  });

  it('has an arrow for each direction of a directed graph', () => {
    const svg = graphPicture({ ...square, directed: true });
    expect(count(svg, /<path d="M[^"]*"\/>/g)).equal(5);
    expect(svg).contain('marker-end');
  });

  it('puts the first node of a star in the middle, and leaves the grid of a torus at its sides', () => {
    const hub = graphPicture({ ...square, layout: 'hub' });
    expect(hub).match(/<circle cx="280" cy="330"[^>]*><title>a</);
    // A row of four: 3 meets 0 around the ends, which are two strokes of one path.
    const grid = graphPicture({ ...square, layout: { columns: 4 } });
    expect(count(grid, /<path d="M[^"]*M[^"]*"\/>/g)).equal(1);
  });

  it('leaves out names and arrows that nobody could read', () => {
    const nodes = Array.from({ length: 100 }, (_, i) => ({ name: `n${i}`, group: 0 }));
    const links = nodes.flatMap((_, a) => nodes.map((__, b) => [a, b] as const));
    const svg = graphPicture({ ...square, nodes, links, directed: true });
    expect(count(svg, /<text /g)).equal(2);
    expect(svg).not.contain('marker-end');
  });
});
