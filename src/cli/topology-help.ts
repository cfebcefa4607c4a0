/** What stands below the flags in `annulus topology --help`. */
/** Below the flags of `annulus topology --help`. */
export const topologyExamples = `
In gossip averaging each node sends its model to a few others in every step, and takes the weighted mean of what it hears.
The graph decides how fast all come together and how much is sent:
  ring, torus, star, complete   as the words say; a torus needs a number of nodes that is no prime
  exponential                   each hears the nodes 1, 2, 4, ... places before it
  one-peer-exponential          one of these in each step: the exact mean after log2 n steps, if n is a power of two
  base                          at most k neighbours, the exact mean after one cycle for every n: Base-(k+1)
  regular, small-world          drawn, with --degree neighbours each; of a small world in the mean
  erdos-renyi                   drawn, each edge with --edge-rate
  el-oracle, el-local           epidemic learning: drawn anew in every step; each sends to --degree others
  matching                      drawn pairs in every step
  clusters                      regions in which all hear each other, joined by one drawn node of each
  file                          your own: two names a line, or GraphML
A drawn graph that stays is drawn again until it is connected. Weights are Metropolis-Hastings (docs/specs/mixing.md).

Examples:
  $ annulus topology all --nodes 64                      side by side
  $ annulus topology regular --nodes 100 --degree 6 --redrawn
  $ annulus topology torus --nodes 36 --out torus.svg
  $ annulus topology file --file hospitals.graphml --format json
  $ annulus topology base --nodes 50 --degree 2 --parameters 1000000
`;
