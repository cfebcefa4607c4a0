/** The machines of the nodes: how slow each is, when it is away, when it leaves for good. Fixed by the seed. */
import { permutation } from './partition.ts';
import type { LabSettings } from './settings.ts';
import { chanceOf } from './task.ts';

/** What is known of all machines from the beginning. */
export interface Sites {
  /** Time of a local step over that on the fastest. */
  readonly slowness: Float64Array;
  /** The round in which a node goes away for a time; Infinity: never. */
  readonly absentFrom: Float64Array;
  /** The round from which a node is gone for good; Infinity: never. */
  readonly goneFrom: Float64Array;
}

/** Slowness is drawn evenly on a logarithmic scale, so that there are few very slow ones; who is away is drawn, and when. */
export function drawSites({ seed, nodes, rounds, sites }: LabSettings): Sites {
  const chance = chanceOf(seed, 'sites');
  const slowness = Float64Array.from(
    { length: nodes },
    () => sites.slownessMax ** chance.uniform(),
  );
  const someOf = (share: number, name: string): Float64Array => {
    const draw = chanceOf(seed, name);
    const from = new Float64Array(nodes).fill(Infinity);
    for (const node of permutation(nodes, draw).subarray(0, Math.round(share * nodes))) {
      from[node] = 1 + draw.integer(rounds);
    }
    return from;
  };
  return {
    slowness,
    absentFrom: someOf(sites.absentShare, 'absent'),
    goneFrom: someOf(sites.churnShare, 'churn'),
  };
}
