/** Names of what a preset may choose: those of `gossip` and `simulate`, whose code the laboratory runs. */
import { topologyKinds as kindsOfGossip } from '../../gossip/index.ts';
import { updateAttackKinds } from '../../simulate/index.ts';
import { robustKinds } from '../../wire/index.ts';

/** How models move. */
export const algorithmKinds: readonly string[] = [
  ...['local-sgd', 'd-psgd', 'gradient-tracking', 'push-sum', 'choco'],
];
/** Those that a lost message breaks: it is sent again until it comes, and all wait for it. */
export const reliableAlgorithms: readonly string[] = ['gradient-tracking', 'choco'];
/** Those whose messages are the models themselves, which attackers replace and robust rules look at. */
export const wholeModelAlgorithms: readonly string[] = ['local-sgd', 'd-psgd'];

/** Who hears whom. `clusters` needs groups, which no setting gives. */
export const topologyKinds: readonly string[] = kindsOfGossip.filter((kind) => kind !== 'clusters');
/** What is left out of a message. */
export const compressionKinds: readonly string[] = [
  ...['none', 'bf16', 'int8', 'int4', 'sign', 'top-k', 'random-k', 'low-rank'],
];
/** Rules that are of mixing alone: a node trusts its own model, and judges the others by their distance to it. */
export const ownCentredKinds: readonly string[] = ['self-centred-clip', 'balance'];

/** How what came is averaged. */
export const ruleKinds: readonly string[] = ['mean', ...robustKinds, ...ownCentredKinds];
/** Attacks that look at the graph, and tell each neighbour something else. */
export const graphAttackKinds: readonly string[] = ['dissensus', 'spectral'];
/** Attacks that follow from what the honest learnt. */
export const knowingKinds: readonly string[] = ['alie', 'ipm', 'min-max'];
/** What attackers send. */
export const attackKinds: readonly string[] = ['none', ...updateAttackKinds, ...graphAttackKinds];

/** Tasks that learn a network of the hospitals'. */
export const networkKinds: readonly string[] = ['teacher', 'student'];
