/** Topologies: their names and settings. docs/specs/mixing.md, 2 */
import type { Edge } from '../mixing-graph.ts';

/** Who may hear whom. `redrawn`: a new graph in every step, else one for the whole run. */
export type Topology =
  | { readonly kind: 'ring' }
  /** A grid as square as can be, whose ends meet; `size` is no prime. */
  | { readonly kind: 'torus' }
  /** Node 0 in the middle. */
  | { readonly kind: 'star' }
  | { readonly kind: 'complete' }
  /** Each node hears those 1, 2, 4, … places before it (Ying et al. 2021). */
  | { readonly kind: 'exponential' }
  /** One of these in each step: the mean after log2 n steps when n is a power of two. */
  | { readonly kind: 'one-peer-exponential' }
  /** Base-(k+1): at most k neighbours, the mean after one cycle for every n. */
  | { readonly kind: 'base'; readonly k: number }
  | { readonly kind: 'regular'; readonly degree: number; readonly redrawn: boolean }
  | { readonly kind: 'erdos-renyi'; readonly edgeRate: number; readonly redrawn: boolean }
  | {
      readonly kind: 'small-world';
      readonly degree: number;
      readonly rewireRate: number;
      readonly redrawn: boolean;
    }
  | { readonly kind: 'el-oracle'; readonly degree: number }
  /** Keeps the mean in expectation only; with `pushGraph` and push-sum it is kept. */
  | { readonly kind: 'el-local'; readonly degree: number }
  /** Drawn pairs in every step. */
  | { readonly kind: 'matching' }
  /** From a file. Of a directed one the weights keep no mean; push-sum does. Edges are [from, to]. */
  | { readonly kind: 'edges'; readonly edges: readonly Edge[]; readonly directed: boolean }
  /** `groups[i]` is the region of node i; in each step one drawn node of a region speaks with those of the others. */
  | { readonly kind: 'clusters'; readonly groups: readonly number[] };

/** Names of all topologies, in the order of the table in docs/specs/mixing.md. */
export const topologyKinds: readonly Topology['kind'][] = [
  'ring',
  'torus',
  'star',
  'complete',
  'exponential',
  'one-peer-exponential',
  'base',
  'regular',
  'erdos-renyi',
  'small-world',
  'el-oracle',
  'el-local',
  'matching',
  'edges',
  'clusters',
];

/** How the graphs of a run follow each other. */
export type TopologyCourse =
  /** The same in every step. */
  | { readonly kind: 'static' }
  /** So many, in turn: that of round r and step s is number (r + s) mod `length`. */
  | { readonly kind: 'cycle'; readonly length: number }
  /** A new one in every step, from the seed. */
  | { readonly kind: 'drawn' };
