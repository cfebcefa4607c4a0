/** Names of what a preset may choose: those of `gossip` and `simulate`, whose code the laboratory runs. */
import { topologyKinds as kindsOfGossip } from '../../gossip/index.ts';

/** How models move. */
export const algorithmKinds: readonly string[] = ['d-psgd'];
/** Who sends to whom. `clusters` needs groups, which no setting gives. */
export const topologyKinds: readonly string[] = kindsOfGossip.filter((kind) => kind !== 'clusters');
/** What is left out of a message. */
export const compressionKinds: readonly string[] = ['none'];
/** How what came is averaged. */
export const ruleKinds: readonly string[] = ['mean'];
/** What attackers send. */
export const attackKinds: readonly string[] = ['none'];
