/** The start from the write-ahead log: what was signed counts again, what was proved is known again. */
import { digestOf } from '../crypto/index.ts';
import { isStatementBy, signedPart } from '../wire/index.ts';
import { ConsensusError } from './errors.ts';
import type { MachineState } from './machine-state.ts';
import type { Vote } from './messages.ts';
import type { Voting } from './voting.ts';
import type { WalRecord } from './write-ahead-log.ts';

/**
 * A fold over ALL records of the height under decision and later ones. `decide` begins the next height if this one is
 * decided.
 * @throws {ConsensusError} 'foreign_record' when a record is not of this epoch and key, or one is missing
 */
export function recover(
  records: readonly WalRecord[],
  state: MachineState,
  voting: Voting,
  decide: () => boolean,
): void {
  const later = records.filter((record) => record.h >= state.height);
  state.out.isMuted = true;
  do {
    const { height } = state;
    for (const record of later) if (record.h === height) takeBack(record, state, voting);
  } while (decide()); // a recorded decision is decided again
  state.out.isMuted = false;
  if (later.some((record) => record.h > state.height)) throw foreign(state.height);
}

function takeBack(record: WalRecord, state: MachineState, voting: Voting): void {
  const { options, now, context, self } = state;
  const { rules, bodies } = now;
  if (record.cid !== options.cid || record.e !== options.epoch) throw foreign(record.h);
  if (record.t !== 'DEC') {
    const isOwn = record.i === self;
    if (!isOwn || !isStatementBy(signedPart(record), record.i, record.sig, context)) {
      throw foreign(record.h);
    }
    rules.note(record.t === 'PROPOSE' ? record : voteOf(record));
  }
  const { body, certificates } = rules.recover(record);
  if (body !== null) bodies.set(digestOf(body), body);
  if (!certificates.every((certificate) => state.isSound(certificate))) throw foreign(record.h);
  for (const certificate of certificates) voting.admit(certificate, false);
  if (record.t === 'DEC') now.final = record.cert;
  else if (record.t !== 'PROPOSE') voting.count(voteOf(record));
  else if (body !== null) voting.keepProposal(record);
}

/** The vote alone, as it travels. */
function voteOf(record: Exclude<WalRecord, { t: 'PROPOSE' | 'DEC' }>): Vote {
  return signedPart(record) as Vote;
}

function foreign(height: number): ConsensusError {
  return new ConsensusError(
    { code: 'foreign_record', height },
    `write-ahead log of height ${height}: expected records of this consortium, epoch and key, none missing`,
  );
}
