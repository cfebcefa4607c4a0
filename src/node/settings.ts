/** What one hospital's process is set to: each room's own settings, composed. */
import type { ConsensusSettings } from '../consensus/index.ts';
import type { InferenceSettings } from '../distill/index.ts';
import type { LogSettings } from '../host/index.ts';
import type { NetworkSettings } from '../network/index.ts';
import type { PeerSettings } from '../peer/index.ts';

/** All of them are documented, with unit and range, where they are declared. */
export interface NodeSettings {
  /** Seeds what need not be secret: the spread of repeats, the order in which members are asked. */
  readonly seed: number;
  readonly consensus: ConsensusSettings;
  readonly peer: PeerSettings;
  readonly network: NetworkSettings;
  readonly log: LogSettings;
  readonly inference: Omit<InferenceSettings, 'window'>;
}
