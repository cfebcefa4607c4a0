/** What only some patients have, and how often is said by the settings. */
import type { Random } from '../../../base/index.ts';
import type { RareShares } from '../../settings.ts';

/** The rare findings of one patient. */
export interface Findings {
  readonly isBicuspid: boolean;
  /** How much wider the ascending aorta is; 0 in most. */
  readonly ectasiaMm: number;
  readonly hasDissection: boolean;
  readonly hasLeads: boolean;
  readonly hasBypass: boolean;
  readonly prosthesis: 'none' | 'frame' | 'mechanical';
  readonly hasEffusion: boolean;
  readonly hasEmphysema: boolean;
}

/** Draws the findings; each has a chance of its own, so that a change of one share changes no other finding. */
export function drawFindings(random: Random, shares: RareShares): Findings {
  const has = (name: string, share: number): boolean => random.fork(name).uniform() < share;
  const kind = random.fork('kind of prosthesis').uniform() < 0.7 ? 'frame' : 'mechanical';
  return {
    isBicuspid: has('bicuspid', shares.bicuspid),
    ectasiaMm: has('ectasia', shares.ectasia)
      ? 10 + 14 * random.fork('width of ectasia').uniform()
      : 0,
    hasDissection: has('dissection', shares.dissection),
    hasLeads: has('leads', shares.leads),
    hasBypass: has('bypass', shares.bypass),
    prosthesis: has('prosthesis', shares.prosthesis) ? kind : 'none',
    hasEffusion: has('effusion', shares.effusion),
    hasEmphysema: has('emphysema', shares.emphysema),
  };
}
