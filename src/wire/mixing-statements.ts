/**
 * What a member signs while a round is mixed: for each step that its state is there, and at the end a report of all it sent
 * and received, which becomes an entry of the log. Signed by its log key in a DSSE envelope. docs/specs/mixing-round.md
 */
import type { Digest, NodeId, RoundNumber } from '../base/index.ts';
import { digestOf, verifyRaw, type Signer, type VerifyBytes } from '../crypto/index.ts';
import { decodeStrict, encodeCanonical } from './canonical.ts';
import {
  decodeEnvelope,
  encodeEnvelope,
  payloadOf,
  requireSignature,
  signedBytesOf,
  signEnvelope,
  type SignedBytes,
} from './dsse.ts';
import { malformed } from './errors.ts';
import { entryBytesMax, membersMax, mixingStepsMax } from './limits.ts';
import { keyBytes, memberOf, type Manifest } from './manifest.ts';
import {
  arr,
  b64,
  digest,
  int,
  nodeId,
  obj,
  pair,
  record,
  roundNumber,
  type Reader,
} from './readers.ts';
import { sealedKeyBytes } from './update-statement.ts';

/** Which exchange of which round: what every statement names. */
export interface MixingMoment {
  readonly cid: Digest;
  readonly round: RoundNumber;
  /** Digest of the CUT whose updates are mixed (`cutDigest`). */
  readonly cut: Digest;
  readonly author: NodeId;
}

/** "My state of this step is this blob; these members can open it." */
export interface StepStatement extends MixingMoment {
  /** From 0. */
  readonly step: number;
  /** Digest of the ciphertext. */
  readonly state: Digest;
  /** For each receiver: base64 of the blob's key sealed to it (HPKE, 80 bytes). */
  readonly sealedKeys: Readonly<Record<NodeId, string>>;
}

/** One step of a report. Members are named by their place in the CUT. */
export interface ReportedStep {
  /** Digest of the ciphertext that was sent, to all of `to`. */
  readonly sent: Digest;
  readonly to: readonly number[];
  /** From whom which ciphertext was mixed in. */
  readonly received: readonly (readonly [number, Digest])[];
}

/** "I have mixed; this is what I sent and received, and my model." */
export interface MixingReport extends MixingMoment {
  /** Digest of its own model. */
  readonly model: Digest;
  readonly steps: readonly ReportedStep[];
}

/** A signed statement whose form is right. */
export interface DecodedStatement<T> {
  readonly statement: T;
  /** Of the envelope's bytes. */
  readonly digest: Digest;
  readonly signed: SignedBytes;
}

const stepType = 'application/vnd.annulus.mixing-step+json';
const reportType = 'application/vnd.annulus.mixing-report+json';

const moment = { cid: digest, round: roundNumber, cut: digest, author: nodeId };
const place = int(0, membersMax - 1);

const readStep: Reader<StepStatement> = obj({
  ...moment,
  step: int(0, mixingStepsMax - 1),
  state: digest,
  sealedKeys: record(/^[A-Za-z0-9-]{1,32}$/, b64(sealedKeyBytes, sealedKeyBytes), membersMax),
});

const readReport: Reader<MixingReport> = obj({
  ...moment,
  model: digest,
  steps: arr(
    obj({
      sent: digest,
      to: arr(place, membersMax),
      received: arr(pair(place, digest), membersMax),
    }),
    mixingStepsMax,
  ),
});

/** Canonical envelope of a step. `signer` holds the author's log key. */
export function signStep(step: StepStatement, signer: Signer): Uint8Array {
  return encodeEnvelope(signEnvelope(stepType, encodeCanonical(step), signer));
}

/** Canonical envelope of a report. `signer` holds the author's log key. */
export function signReport(report: MixingReport, signer: Signer): Uint8Array {
  return encodeEnvelope(signEnvelope(reportType, encodeCanonical(report), signer));
}

/** Reads a step's form; who signed it is `verifyMixing`'s to say. @throws {WireError} */
export function decodeStep(bytes: Uint8Array): DecodedStatement<StepStatement> {
  return decoded(bytes, stepType, readStep);
}

/** Reads a report's form; who signed it is `verifyMixing`'s to say. @throws {WireError} */
export function decodeReport(bytes: Uint8Array): DecodedStatement<MixingReport> {
  return decoded(bytes, reportType, readReport);
}

/**
 * The statement, if a member of this consortium signed it alone.
 * @throws {WireError} 'malformed' or 'bad_signature'
 */
export function verifyMixing<T extends MixingMoment>(
  { statement, signed }: DecodedStatement<T>,
  manifest: Manifest,
  cid: Digest,
  verify: VerifyBytes = verifyRaw,
): T {
  const author = memberOf(manifest, statement.author);
  if (author === null) throw malformed('$.author', 'a member');
  requireSignature(signed, keyBytes(author.logKey), verify);
  if (statement.cid !== cid) throw malformed('$.cid', 'this consortium');
  return statement;
}

function decoded<T>(bytes: Uint8Array, type: string, read: Reader<T>): DecodedStatement<T> {
  const envelope = decodeEnvelope(bytes);
  if (envelope.signatures.length !== 1) throw malformed('$.signatures', 'one signature');
  const payload = payloadOf(envelope, type);
  const statement = read(decodeStrict(payload, { maxBytes: entryBytesMax }));
  return { statement, digest: digestOf(bytes), signed: signedBytesOf(envelope, payload) };
}

/** A report that goes with others of the same CUT. */
export type PeerReport = Pick<MixingReport, 'author' | 'steps'>;

/**
 * Where two reports of one mixing disagree: each edge's digest stands under the sender's and the receiver's signature.
 *
 * @param reports in the order of the CUT
 * @returns one line for each edge that is not the same on both sides; empty when all agree
 */
export function edgeProblems(reports: readonly PeerReport[]): string[] {
  const steps = Math.max(0, ...reports.map(({ steps: own }) => own.length));
  const problems = reports
    .filter(({ steps: own }) => own.length !== steps)
    .map(({ author, steps: own }) => `${author} reports ${own.length} steps, others ${steps}`);
  if (problems.length > 0) return problems;
  for (let step = 0; step < steps; step++) {
    reports.forEach(({ author: receiver, steps: own }, to) => {
      for (const [from, state] of own[step]?.received ?? []) {
        const sender = reports[from];
        const said = sender?.steps[step];
        const sent = said?.to.includes(to) === true ? said.sent : null;
        if (sent !== state)
          problems.push(edgeProblem(step, [sender?.author, sent], [receiver, state]));
      }
      for (const other of own[step]?.to ?? []) {
        const { author, steps: theirs } = reports[other] ?? { author: undefined, steps: [] };
        if (theirs[step]?.received.some(([from]) => from === to) === true) continue;
        problems.push(edgeProblem(step, [receiver, own[step]?.sent ?? null], [author, null]));
      }
    });
  }
  return problems;
}

function edgeProblem(
  step: number,
  [sender = 'nobody', sent]: readonly [string | undefined, Digest | null],
  [receiver = 'nobody', received]: readonly [string | undefined, Digest | null],
): string {
  const short = (state: Digest | null): string => state?.slice(0, 12) ?? 'nothing';
  const [signed, got] = [`${sender} signed ${short(sent)}`, `${receiver} ${short(received)}`];
  return `step ${step}, ${sender} to ${receiver}: ${signed}, ${got}`;
}
