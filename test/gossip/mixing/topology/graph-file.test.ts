/** Graphs from files: what is read, what is refused with its line, and files that are none. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  GossipError,
  readEdgeList,
  readGraphml,
  type FileGraph,
} from '../../../../src/gossip/index.ts';

const refusal = (read: () => FileGraph): string => {
  try {
    read();
  } catch (error) {
    expect(error).instanceOf(GossipError);
    expect((error as GossipError).code).equal('bad_graph_file');
    return (error as GossipError).message;
  }
  return 'was read';
};

describe('an edge list', () => {
  it('is two names a line, with comments, empty lines and what networkx adds', () => {
    const text = '# a graph\r\n10 2\n\n2\t0 {}\n  0, 10\n';
    expect(readEdgeList(text, false)).deep.equal({
      names: ['0', '2', '10'],
      edges: [[2, 1], [1, 0], [0, 2]],
      directed: false,
    }); // prettier-ignore
  });

  it('keeps the order in which names come, when they are no numbers, and both directions of a directed graph', () => {
    const graph = readEdgeList('Ulm Aachen\nAachen Ulm\nAachen 3', true);
    expect(graph.names).deep.equal(['Ulm', 'Aachen', '3']);
    expect(graph.edges).deep.equal([[0, 1], [1, 0], [1, 2]]); // prettier-ignore
  });

  it('is refused with its line', () => {
    expect(refusal(() => readEdgeList('a b\na b c', false))).match(/^line 2: expected two names/);
    expect(refusal(() => readEdgeList('a', false))).match(/^line 1: expected two names/);
    expect(refusal(() => readEdgeList('a b\n# x\nb a', false))).equal(
      'line 3: expected each edge once',
    );
    expect(refusal(() => readEdgeList('a a', false))).match(/^line 1: expected two different/);
    expect(refusal(() => readEdgeList(`${'x'.repeat(65)} b`, false))).match(/up to 64 characters/);
    expect(refusal(() => readEdgeList('a\u0007 b', false))).match(/a name of/);
    expect(refusal(() => readEdgeList('# nothing\n', false))).match(/^expected a graph/);
    const long = Array.from({ length: 4097 }, (_, i) => `${i} ${i + 1}`).join('\n');
    expect(refusal(() => readEdgeList(long, false))).match(/at most 4096 nodes/);
  });
});

/** As networkx writes it, shortened. */
const networkx = `<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <key id="d0" for="edge" attr.name="weight" attr.type="double"/>
  <graph edgedefault="undirected">
    <node id="L1"/>
    <node id="A &amp; B"><data key="d1">x</data></node>
    <!-- <node id="no"/> -->
    <edge source="L1" target="A &amp; B">
      <data key="d0">0.5</data>
    </edge>
  </graph>
</graphml>
`;

describe('GraphML', () => {
  it('is nodes and edges in the order of the document', () => {
    const text = networkx.replaceAll('A &amp; B', 'A&amp;B');
    expect(readGraphml(text)).deep.equal({
      names: ['L1', 'A&B'],
      edges: [[0, 1]],
      directed: false,
    });
    expect(readGraphml(text.replace('undirected', 'directed')).directed).equal(true);
  });

  it('is refused with its line', () => {
    const good = networkx.replaceAll('A &amp; B', 'B');
    const cases: readonly (readonly [string, string, RegExp])[] = [
      ['<node id="L1"/>', '<node id="B"/>', /^line 6: expected each node once/],
      ['target="B"', 'target="C"', /^line 8: expected nodes of this graph/],
      ['target="B"', 'target="L1"', /^line 8: expected two different/],
      ['target="B"', '', /^line 8: expected edge to have target/],
      ['target="B"', 'target="B" directed="true"', /^line 8: expected all edges/],
      ['target="B"', 'target="B" sourceport="1"', /without ports/],
      ['undirected', 'both', /^line 4: expected edgedefault/],
      [
        '<node id="L1"/>',
        '<node id="L1"><graph edgedefault="directed"/></node>',
        /^line 5: expected desc or data here/,
      ],
      ['<node id="L1"/>', '<hyperedge/>', /^line 5: expected node or edge/],
      [
        '<node id="L1"/>',
        'L1',
        /^line 4: expected an element, got text|^line 5: expected an element/,
      ],
      ['<node id="L1"/>', '<node id="L1" id="L2"/>', /each attribute once/],
      ['<node id="L1"/>', '<node id="&bomb;"/>', /^line 5: expected only &amp;/],
      [
        '<graphml',
        '<!DOCTYPE x [<!ENTITY a "b">]><graphml',
        /^line 2: .*document types are not read/,
      ],
      ['</graph>', '</graph><graph edgedefault="directed"/>', /expected one graph/],
      ['</graph>', '</node>', /^line 11: expected no end of node here/],
      ['</graphml>', '', /^expected the end of graphml/],
      ['-->', '', /expected -->/],
    ];
    expect(refusal(() => readGraphml(good))).equal('was read');
    for (const [from, to, expected] of cases) {
      expect(
        refusal(() => readGraphml(good.replace(from, to))),
        to,
      ).match(expected);
    }
    expect(refusal(() => readGraphml('<graphml></graphml>'))).match(/expected a graph in GraphML/);
    expect(refusal(() => readGraphml(''))).match(/expected a graph in GraphML/);
  });
});

describe('any text', () => {
  const pieces = fc.constantFrom('<', '>', '/', '"', "'", '&', ';', '=', ' ', '\n', 'node', 'edge', 'graph', 'graphml', 'id', 'source', '<!--', '-->', '0', '1', 'a', '#', '{}'); // prettier-ignore
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
  );

  it('is a graph within its bounds, or refused', () => {
    fc.assert(
      fc.property(texts, fc.boolean(), (text, directed) => {
        for (const read of [() => readEdgeList(text, directed), () => readGraphml(text)]) {
          try {
            const { names, edges } = read();
            expect(new Set(names).size).equal(names.length);
            for (const edge of edges)
              for (const node of edge) expect(node).within(0, names.length - 1);
          } catch (error) {
            expect(error).instanceOf(GossipError);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('is a graph still or refused after a piece of GraphML was changed', () => {
    const good = networkx.replaceAll('A &amp; B', 'B');
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(20), texts, (at, cut, text) => {
        const changed = good.slice(0, at) + text + good.slice(at + cut);
        try {
          expect(readGraphml(changed).names.length).above(0);
        } catch (error) {
          expect(error).instanceOf(GossipError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
