/** What a peer is given: the keys of its member and its doors to the world. */
import type { Clock, Logger, NamedWork, PureWork, Random, Store } from '../base/index.ts';
import type { CryptoPort, Signer } from '../crypto/index.ts';
import type { SuccessorCheck, Transport } from '../wire/index.ts';
import type { Averager } from './averager.ts';
import type { Trainer } from './trainer.ts';

/** The keys of one member, each for one role. */
export interface PeerKeys {
  readonly consensus: Signer;
  readonly log: Signer;
  readonly witness: Signer;
  /** X25519, 32 bytes: opens what is sealed to this member. */
  readonly sealPrivate: Uint8Array;
}

/** Everything outside: time, disk, network, learning, heavy work, chance, and the checks of signatures. */
export interface PeerPorts {
  readonly clock: Clock;
  readonly store: Store;
  readonly transport: Transport;
  /** Works over `store`. */
  readonly trainer: Trainer;
  /** Works over `store`. */
  readonly averager: Averager;
  readonly logger: Logger;
  readonly random: Random;
  readonly crypto: CryptoPort;
  /** `doNow` when absent. */
  readonly pure?: PureWork;
  /** Opens a later version of the manifest; `verifySuccessor` when absent. */
  readonly succeed?: SuccessorCheck;
  /** `makeNow` when absent. */
  readonly named?: NamedWork;
}
