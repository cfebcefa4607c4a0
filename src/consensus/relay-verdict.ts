/**
 * Whether a message is worth passing on, before it is acted upon. Votes and proposals say by their signature whose they
 * are; what is decided here is about messages without one, which anybody can make up in another's name: they pass only
 * with the proof inside them. 'reject' is for what no honest member sends, whatever it knows.
 */
import { verifyEvidence, type Certificate, type Verdict } from '../wire/index.ts';
import type { Convictions } from './convictions.ts';
import type { MachineState } from './machine-state.ts';
import type { ConsensusMessage, View } from './messages.ts';

/** See the file's header. The signatures of PROPOSE, NOTARIZE, NULLIFY and FINALIZE are the caller's to check. */
export function relayVerdict(
  message: ConsensusMessage,
  state: MachineState,
  convictions: Convictions,
): Verdict {
  switch (message.t) {
    case 'PROPOSE':
    case 'NOTARIZE':
    case 'NULLIFY':
    case 'FINALIZE':
    case 'STATUS':
    case 'RECALL':
      return 'accept';
    // Said to one member only.
    case 'GETBODY':
    case 'BODY':
    case 'DECIDED':
    case 'RECALLED':
      return 'ignore';
    case 'EVIDENCE': {
      const { a } = message.pair;
      // Who had a vote at a later height is not known yet.
      if (a.h > state.height || convictions.isConvicted(a.i)) return 'ignore';
      return verifyEvidence(message.pair, state.context) === null ? 'reject' : 'accept';
    }
    // Of a later height it cannot be checked yet; once it can, this node tells it in its own name.
    case 'CERT':
      return message.h === state.height ? certificateVerdict(message.cert, state) : 'ignore';
    case 'VIEW':
      return message.h === state.height ? viewVerdict(message, state) : 'ignore';
  }
}

function certificateVerdict(certificate: Certificate, state: MachineState): Verdict {
  if (certificate.h !== state.height || !state.isNews(certificate)) return 'ignore';
  return state.isSound(certificate) ? 'accept' : 'reject';
}

function viewVerdict({ v, chain }: View, state: MachineState): Verdict {
  if (state.isTooFar(v)) return 'ignore';
  if (v > state.view) return state.isChainSound(chain, v) ? 'accept' : 'reject';
  const { nota } = chain;
  const isHigher = nota?.kind === 'NOTARIZE' && nota.v > state.now.parent;
  return isHigher ? certificateVerdict(nota, state) : 'ignore';
}
