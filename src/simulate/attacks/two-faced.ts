/**
 * Members that sign twice. Each shows itself to one half of the others as it is and to the other half as its double: where it
 * leads it proposes a second sound block there, and votes for whatever double it knows; without one it notarizes a value
 * that nobody has, and gives up views that it finalizes. All of them act together, and hear
 * nothing that would tell their own programs of it.
 */
import { base64, fromBase64, utf8, type Digest, type NodeId } from '../../base/index.ts';
import { envelopeDigests, type ConsortiumLog } from '../../audit/index.ts';
import {
  decodeMessage,
  encodeMessage,
  type ConsensusMessage,
  type Proposal,
  type Vote,
} from '../../consensus/index.ts';
import { digestOf, type Signer } from '../../crypto/index.ts';
import {
  consensusDomain,
  decodeBlockBody,
  encodeBlockBody,
  statementBytes,
  type BlockBody,
  type Statement,
  type Transport,
} from '../../wire/index.ts';

/** What shows a liar its doubles: its own program would see that its key is used twice, and vote no more. */
const telling: ReadonlySet<string> = new Set(['CERT', 'VIEW', 'EVIDENCE']);

/** The attack as data. */
export interface TwoFaced {
  readonly kind: 'two-faced';
  readonly liars: readonly NodeId[];
}

/** What the liars use of the world. */
export interface TwoFacedParts {
  readonly attack: TwoFaced;
  /** All members, ascending. */
  readonly members: readonly NodeId[];
  readonly signerOf: (id: NodeId) => Signer;
  /** A liar's log: a second block names another tree. */
  readonly logOf: (id: NodeId) => Pick<ConsortiumLog, 'logAfter'> | null;
}

/** For the world's `bend`: the network of a liar, and of nobody else. */
export function twoFaced(parts: TwoFacedParts): (transport: Transport) => Transport {
  const { liars } = parts.attack;
  const honest = parts.members.filter((id) => !liars.includes(id));
  const deceived = new Set(honest.filter((_, at) => at % 2 === 1));
  /** The second block of each first one. */
  const doubles = new Map<Digest, Uint8Array>();
  return (transport) => {
    const { self } = transport;
    if (!liars.includes(self)) return transport;
    const signer = parts.signerOf(self);
    const sign = (statement: Statement): string =>
      base64(signer.sign(consensusDomain, statementBytes(statement)));
    const broadcast = transport.broadcast.bind(transport);
    const send = transport.send.bind(transport);
    const onMessage = transport.onMessage.bind(transport);
    transport.broadcast = (topic, bytes) => {
      const message = topic === 'consensus' ? decodeMessage(bytes) : null;
      if (message === null || !isOwn(message)) {
        broadcast(topic, bytes);
        return;
      }
      const double = doubleOf(message, doubles, parts.logOf(self), sign);
      for (const id of transport.peers()) {
        if (!deceived.has(id)) send(id, topic, bytes);
        else if (double !== null) send(id, topic, encodeMessage(double));
      }
    };
    transport.onMessage = (handler) => {
      onMessage((from, topic, bytes) =>
        topic === 'consensus' && telling.has(decodeMessage(bytes).t)
          ? 'ignore'
          : handler(from, topic, bytes),
      );
    };
    return transport;
  };
}

function isOwn(message: ConsensusMessage): message is Vote | Proposal {
  return 'sig' in message;
}

/** What the deceived get in place of an own message; null when nothing. */
function doubleOf(
  message: Vote | Proposal,
  doubles: Map<Digest, Uint8Array>,
  log: Pick<ConsortiumLog, 'logAfter'> | null,
  sign: (statement: Statement) => string,
): Vote | Proposal | null {
  const { cid, e, h, v, i } = message;
  const common = { cid, e, h, v } as const;
  switch (message.t) {
    case 'PROPOSE': {
      const body = doubles.get(message.x) ?? secondBlock(message, log);
      if (body === null) return message;
      doubles.set(message.x, body);
      const { p, j, chain } = message;
      const statement = { ...common, t: 'PROPOSE', x: digestOf(body), p, j } as const;
      return { ...statement, i, sig: sign(statement), body: base64(body), chain };
    }
    case 'NOTARIZE': {
      const known = doubles.get(message.x ?? ('' as Digest));
      const x = digestOf(known ?? utf8(`nobody has this ${h} ${v}`));
      const statement = { ...common, t: 'NOTARIZE', x } as const;
      return { ...statement, i, sig: sign(statement) };
    }
    case 'FINALIZE': {
      const known = doubles.get(message.x ?? ('' as Digest));
      const statement: Statement =
        known === undefined
          ? { ...common, t: 'NULLIFY', p: -1 }
          : { ...common, t: 'FINALIZE', x: digestOf(known) };
      return { ...statement, i, sig: sign(statement) } as Vote;
    }
    case 'NULLIFY':
      return message;
  }
}

/** The block that a leader might have proposed a millisecond later; null for a value that must be proposed again. */
function secondBlock(
  { body, chain }: Proposal,
  log: Pick<ConsortiumLog, 'logAfter'> | null,
): Uint8Array | null {
  const bytes = fromBase64(body);
  if (bytes === null || log === null || chain.nota !== null) return null;
  const first = decodeBlockBody(bytes);
  // Its envelopes are the round's, and out of reach here.
  if (envelopeDigests(first).length > 0) return null;
  const ops = first.ops.map((op) => (op.op === 'OPEN' ? { ...op, deadline: op.deadline + 1 } : op));
  const bare: Omit<BlockBody, 'log'> = { ...first, ops, ts: first.ts + 1 };
  return encodeBlockBody({ ...bare, log: log.logAfter(bare, []) });
}
