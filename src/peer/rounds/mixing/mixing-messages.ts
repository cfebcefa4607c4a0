/** What members say to each other while a round is mixed, beside its updates. Specified in docs/specs/peer-messages.md. */
import type { Digest, NodeId, RoundNumber } from '../../../base/index.ts';
import { bulkKeyBytes } from '../../../crypto/index.ts';
import {
  arr,
  b64,
  digest,
  int,
  limits,
  literal,
  nodeId,
  obj,
  record,
  roundNumber,
  str,
  type Reader,
} from '../../../wire/index.ts';

/** A signed `StepStatement`, whole. The state itself is fetched by hash by those who hear it. */
export interface StepMessage {
  readonly t: 'step';
  readonly r: RoundNumber;
  /** The envelope's canonical bytes, as text. */
  readonly statement: string;
}

/** A signed `MixingReport`, whole. */
export interface ReportMessage {
  readonly t: 'report';
  readonly r: RoundNumber;
  /** The envelope's canonical bytes, as text. */
  readonly statement: string;
}

/**
 * "I cannot go on after this step without the states of these": they say theirs again, and all see who waits for whom. Of a
 * state that was said and cannot be used, the key: then all can see which of the two is at fault.
 */
export interface LacksMessage {
  readonly t: 'lacks';
  readonly r: RoundNumber;
  readonly cut: Digest;
  readonly step: number;
  readonly from: readonly NodeId[];
  /** Base64, by author. */
  readonly keys: Readonly<Record<NodeId, string>>;
}

/** "This model is within the bound of mine": for those who have none to compare it with. */
export interface NearMessage {
  readonly t: 'near';
  readonly r: RoundNumber;
  readonly model: Digest;
}

/** Everything that is said in a mixing, beside what is said about updates. */
export type MixingMessage = StepMessage | ReportMessage | LacksMessage | NearMessage;

const statement = str(limits.entryBytesMax);

/** Reads each kind; all travel on the topic `updates`. */
export const mixingMessages: {
  readonly [T in MixingMessage['t']]: Reader<MixingMessage & { t: T }>;
} = {
  step: obj({ t: literal('step'), r: roundNumber, statement }),
  report: obj({ t: literal('report'), r: roundNumber, statement }),
  lacks: obj({
    t: literal('lacks'),
    r: roundNumber,
    cut: digest,
    step: int(0, limits.mixingStepsMax - 1),
    from: arr(nodeId, limits.membersMax, 1),
    keys: record(/^[A-Za-z0-9-]{1,32}$/, b64(bulkKeyBytes, bulkKeyBytes), limits.membersMax),
  }),
  near: obj({ t: literal('near'), r: roundNumber, model: digest }),
};

/** The kinds that only a member in that round can check. Others do not pass them on. */
export const mixingSignedKinds: readonly MixingMessage['t'][] = ['step', 'report'];
