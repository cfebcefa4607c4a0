/** What attackers send in place of what they learnt. They train as all do, and know all that the honest ones have. */
import type { MixingGraph, Vector } from '../../gossip/index.ts';
import {
  dissensus,
  lieOf,
  spectralLie,
  type HonestGraph,
  type UpdateAttack,
} from '../../simulate/index.ts';
import { graphAttackKinds, knowingKinds } from './choices.ts';
import type { LabSettings } from './settings.ts';
import { chanceOf } from './task.ts';

/** What the attackers of a run do. */
export class Attackers {
  readonly #settings: LabSettings;
  readonly #isAttacker: Uint8Array;

  constructor(settings: LabSettings, isAttacker: Uint8Array) {
    this.#settings = settings;
    this.#isAttacker = isAttacker;
  }

  /** Whether there are any, and of which sort. */
  get sort(): 'none' | 'update' | 'graph' {
    const { kind } = this.#settings.attack;
    if (kind === 'none') return 'none';
    return graphAttackKinds.includes(kind) ? 'graph' : 'update';
  }

  /** Whether what an attacker tells depends on what the honest learnt. */
  get isKnowing(): boolean {
    return this.sort === 'update' && knowingKinds.includes(this.#settings.attack.kind);
  }

  /** What each attacker tells in place of what it learnt. @param changes of present nodes */
  lies(changes: ReadonlyMap<number, Vector>, round: number): Map<number, Float64Array> {
    const all = [...changes];
    const isLiar = ([node]: readonly [number, Vector]): boolean => this.#isAttacker[node] === 1;
    const honest = all.filter((one) => !isLiar(one)).map(([, change]) => change);
    const told = all.filter(isLiar).flatMap(([node, own]): [number, Float64Array][] => {
      const lie = this.lie(node, round, own, honest);
      return lie === null ? [] : [[node, lie]];
    });
    return new Map(told);
  }

  /**
   * What one attacker tells in place of its own change.
   * @param honest what the honest learnt; null is given where the attack needs that and there is none yet
   */
  lie(node: number, round: number, own: Vector, honest: readonly Vector[]): Float64Array | null {
    if (this.isKnowing && honest.length === 0) return null;
    const { seed, attack } = this.#settings;
    const random = chanceOf(seed, 'attack', round, node);
    return lieOf(this.#attack, { own, honest, liarCount: attack.count, random });
  }

  /** What attackers tell each honest node that hears one, by the graph of the exchange. @param models of honest nodes */
  told(graph: MixingGraph, models: ReadonlyMap<number, Vector>): Map<number, Float64Array> {
    const places = [...models.keys()];
    const placeOf = new Map(places.map((node, place) => [node, place]));
    const weights = places.map((node) => {
      const row = new Array<number>(places.length).fill(0);
      for (const { from, weight } of graph.incoming[node] ?? []) {
        const place = placeOf.get(from);
        if (place !== undefined) row[place] = weight;
      }
      return row;
    });
    const honest: HonestGraph = { models: [...models.values()], weights };
    const { kind, scale } = this.#settings.attack;
    const told = new Map<number, Float64Array>();
    for (const [node, place] of placeOf) {
      const liarWeight = (graph.incoming[node] ?? [])
        .filter(({ from }) => this.#isAttacker[from] === 1)
        .reduce((sum, { weight }) => sum + weight, 0);
      if (liarWeight === 0) continue;
      const lie =
        kind === 'dissensus'
          ? dissensus(honest, place, liarWeight, scale)
          : spectralLie(honest, place, scale);
      told.set(node, lie);
    }
    return told;
  }

  get #attack(): UpdateAttack {
    const { kind, scale } = this.#settings.attack;
    switch (kind) {
      case 'sign-flip':
      case 'scale':
        return { kind, factor: scale };
      case 'noise':
      case 'free-rider':
        return { kind, stdDev: scale };
      case 'ipm':
        return { kind, epsilon: scale };
      case 'min-max':
        return { kind, direction: 'deviation' };
      default:
        return { kind: 'alie' };
    }
  }
}
