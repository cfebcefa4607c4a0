/**
 * An eclipse: attackers that act together surround one node, the victim, and give nothing to anybody else. What they can do
 * follows from who chooses the graph. Where each node chooses whom it sends to (EL-Local), all of them send to the victim in every
 * exchange. In a graph that stays, or comes again, there is time to be where the victim listens: they are its neighbours.
 * Where it is drawn anew in every exchange from a seed that all agree on, they can choose nothing. docs/lab.md
 */
import { directedGraph, type MixingGraph } from '../../gossip/index.ts';
import type { Graphs, GraphSource } from './graphs.ts';
import { permutation } from './partition.ts';
import type { LabSettings } from './settings.ts';
import { chanceOf } from './task.ts';

/**
 * 1 for each attacker. They are drawn; around a victim those come first that it hears most in a graph that stays, over all
 * graphs that come in turn.
 */
export function placeAttackers(settings: LabSettings, graphs: Graphs): Uint8Array {
  const { seed, nodes, attack } = settings;
  const heard = new Float64Array(nodes);
  for (let place = 0; place < (attack.victim < 0 ? 0 : graphs.cycle); place++) {
    for (const { from, weight } of graphs.at(place, 0).incoming[attack.victim] ?? []) {
      heard[from] = (heard[from] as number) + weight;
    }
  }
  const order = [...permutation(nodes, chanceOf(seed, 'attackers'))]
    .filter((node) => node !== attack.victim)
    .sort((a, b) => (heard[b] as number) - (heard[a] as number));
  const isAttacker = new Uint8Array(nodes);
  for (const node of order.slice(0, attack.count)) isAttacker[node] = 1;
  return isAttacker;
}

/** The graphs of a run as the attackers make them; as they are without a victim. Nobody waits for what is withheld. */
export function eclipsedGraphs(
  settings: LabSettings,
  graphs: Graphs,
  isAttacker: Uint8Array,
): GraphSource {
  const { attack, topology } = settings;
  if (attack.victim < 0 || attack.count === 0) return graphs;
  const bend = topology.kind === 'el-local' ? sentTo : heardOnlyBy;
  const bent = new WeakMap<MixingGraph, MixingGraph>();
  return {
    at(round, step) {
      const graph = graphs.at(round, step);
      const there = bent.get(graph) ?? bend(graph, attack.victim, isAttacker);
      bent.set(graph, there);
      return there;
    },
  };
}

/** Attackers send to the victim, whatever they drew, and everybody takes the plain mean of what comes. */
function sentTo(graph: MixingGraph, victim: number, isAttacker: Uint8Array): MixingGraph {
  const liars = [...isAttacker.keys()].filter((node) => isAttacker[node] === 1);
  const heard = graph.incoming.map((links, node) => {
    const honest = links
      .map(({ from }) => from)
      .filter((from) => from !== node && isAttacker[from] !== 1);
    return node === victim ? [...honest, ...liars] : honest;
  });
  return directedGraph(heard);
}

/** Attackers speak where the graph lets them, to the victim alone. Elsewhere their weight goes to the hearer's own model. */
function heardOnlyBy(graph: MixingGraph, victim: number, isAttacker: Uint8Array): MixingGraph {
  const incoming = graph.incoming.map((links, node) => {
    if (node === victim) return links;
    const isKept = (from: number): boolean => from === node || isAttacker[from] !== 1;
    const withheld = links
      .filter(({ from }) => !isKept(from))
      .reduce((sum, { weight }) => sum + weight, 0);
    return links
      .filter(({ from }) => isKept(from))
      .map(({ from, weight }) => ({ from, weight: from === node ? weight + withheld : weight }));
  });
  return { size: graph.size, incoming };
}
