/**
 * What a node says about its update: an in-toto Statement v1 with a SLSA Provenance v1 predicate, signed by
 * its log key in a DSSE envelope, which becomes a log entry. No free text, no patient data: an allow-list.
 * docs/specs/update-envelope.md
 */
import type { Digest, NodeId, RoundNumber } from '../base/index.ts';
import { digestOf, verifyRaw, type Signer, type VerifyBytes } from '../crypto/index.ts';
import { decodeStrict, encodeCanonical, type Json } from './canonical.ts';
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
import { entryBytesMax, membersMax } from './limits.ts';
import { keyBytes, memberOf, type Manifest } from './manifest.ts';
import {
  arr,
  b64,
  digest,
  int,
  json,
  literal,
  nodeId,
  obj,
  record,
  roundNumber,
  str,
  type Reader,
} from './readers.ts';

/** DSSE payload type of in-toto statements. */
export const statementPayloadType = 'application/vnd.in-toto+json';

/** The head of a node's own log: that many entries, under that root. */
export interface NodeLogHead {
  /** Which of the node's logs, from 1: a node that has lost one begins the next. */
  readonly log: number;
  readonly size: number;
  readonly root: Digest;
}

/** The facts of one update. */
export interface UpdateStatement {
  readonly cid: Digest;
  readonly round: RoundNumber;
  readonly author: NodeId;
  /** Digest of the round's OPEN: stage, hyper-parameters, rule and all else that was agreed before the training. */
  readonly open: Digest;
  /** The model trained from. */
  readonly base: Digest;
  /** The program that trained. */
  readonly code: Digest;
  /** Commitment to the data set: shows nothing about it, fixes it. */
  readonly dataset: Digest;
  /** Digest of the ciphertext. */
  readonly update: Digest;
  readonly updateBytes: number;
  /** Samples the update stands for. */
  readonly weight: number;
  /** Samples with a label of each head that has parameters of its own; 0 where it was not trained. */
  readonly heads: Readonly<Record<string, number>>;
  /** Training figures × 1000, rounded. */
  readonly metrics: Readonly<Record<string, number>>;
  /** For each member: base64 of the update's key sealed to it (HPKE, 80 bytes). */
  readonly sealedKeys: Readonly<Record<NodeId, string>>;
  /** Of the author's own log when it signed; null in envelopes of version 4, which logs of that time hold. */
  readonly nodeLog: NodeLogHead | null;
}

/** An envelope whose signature, author and limits hold. */
export interface VerifiedUpdate {
  readonly statement: UpdateStatement;
  /** Digest of the envelope's bytes. */
  readonly env: Digest;
  readonly bytes: Uint8Array;
}

const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://slsa.dev/provenance/v1';
const buildType = 'https://annulus/local-train/v5';
const formerBuildType = 'https://annulus/local-train/v4';
const dependencyNames = ['base-model', 'code', 'dataset'] as const;
/** As many as a model may have. */
const headsMax = 8;
/** Encapsulated key (32), key (32), tag (16). */
export const sealedKeyBytes = 80;

const sha256Set = obj({ sha256: digest });
const int32 = int(-(2 ** 31), 2 ** 31 - 1);

const readUpdateProduct = obj({
  name: literal('update'),
  digest: sha256Set,
  annotations: obj({
    bytes: int(1, 2 ** 31 - 1),
    heads: record(/^[a-z][a-z0-9-]{0,31}$/, int(0, 2 ** 31 - 1), headsMax),
    metrics: record(/^[a-zA-Z][a-zA-Z0-9]{0,31}$/, int32, 16),
    sealedKeys: record(/^[A-Za-z0-9-]{1,32}$/, b64(sealedKeyBytes, sealedKeyBytes), membersMax),
    weight: int(1, 2 ** 31 - 1),
  }),
});
const readNodeLogProduct = obj({
  name: literal('nodeLog'),
  digest: sha256Set,
  annotations: obj({ log: int(1, 2 ** 31 - 1), size: int(1, 2 ** 31 - 1) }),
});

const readDocument = obj({
  _type: literal(statementType),
  subject: arr(obj({ name: str(256), digest: sha256Set }), 1, 1),
  predicateType: literal(predicateType),
  predicate: obj({
    buildDefinition: obj({
      buildType: literal(buildType, formerBuildType),
      externalParameters: obj({ cid: digest, open: digest, round: roundNumber }),
      resolvedDependencies: arr(
        obj({ name: literal(...dependencyNames), digest: sha256Set }),
        dependencyNames.length,
        dependencyNames.length,
      ),
    }),
    runDetails: obj({
      builder: obj({ id: nodeId }),
      byproducts: arr(json, 2, 1),
    }),
  }),
});

/** Canonical bytes of the in-toto statement. */
export function encodeUpdateStatement(statement: UpdateStatement): Uint8Array {
  return encodeCanonical(documentOf(statement));
}

/** Reads a statement and its redundant fields, which must agree. */
export const readUpdateStatement: Reader<UpdateStatement> = (value, path = '$') => {
  const { subject, predicate } = readDocument(value, path);
  const {
    externalParameters,
    resolvedDependencies,
    buildType: version,
  } = predicate.buildDefinition;
  const { builder, byproducts } = predicate.runDetails;
  const at = `${path}.predicate.runDetails.byproducts`;
  if (byproducts.length !== (version === buildType ? 2 : 1)) {
    throw malformed(at, 'an update and, from v5 on, nodeLog');
  }
  const update = readUpdateProduct(byproducts[0], `${at}[0]`);
  const anchor = version === buildType ? readNodeLogProduct(byproducts[1], `${at}[1]`) : null;
  const [base, code, dataset] = dependencyNames.map((name, index) => {
    const found = resolvedDependencies[index];
    if (found?.name !== name) throw malformed(`${path}.predicate`, `dependency ${name}`);
    return found.digest.sha256;
  });
  if (base === undefined || code === undefined || dataset === undefined) {
    throw malformed(path, 'an update and what it depends on');
  }
  const { bytes, heads, metrics, sealedKeys, weight } = update.annotations;
  const statement: UpdateStatement = {
    ...externalParameters,
    author: builder.id,
    base,
    code,
    dataset,
    update: update.digest.sha256,
    updateBytes: bytes,
    weight,
    heads,
    metrics,
    sealedKeys,
    nodeLog: anchor && { ...anchor.annotations, root: anchor.digest.sha256 },
  };
  // The subject repeats other fields, so it must be what they make it.
  const [named] = subject;
  if (named?.name !== subjectName(statement) || named.digest.sha256 !== statement.update) {
    throw malformed(`${path}.subject`, 'the name and digest of the update');
  }
  return statement;
};

/** The signed envelope of a statement, as canonical bytes. `signer` holds the author's log key. */
export function signUpdateStatement(statement: UpdateStatement, signer: Signer): Uint8Array {
  const payload = encodeUpdateStatement(statement);
  return encodeEnvelope(signEnvelope(statementPayloadType, payload, signer));
}

/** An envelope whose form is right, and nothing else. */
export interface DecodedUpdate {
  readonly statement: UpdateStatement;
  readonly env: Digest;
  readonly bytes: Uint8Array;
  /** The envelope, opened. */
  readonly signed: SignedBytes;
}

/** Reads an envelope's form; who signed it is `verifyUpdateStatement`'s to say. @throws {WireError} */
export function decodeUpdateStatement(bytes: Uint8Array): DecodedUpdate {
  const envelope = decodeEnvelope(bytes);
  if (envelope.signatures.length !== 1) throw malformed('$.signatures', 'one signature');
  const unverified = payloadOf(envelope, statementPayloadType);
  const document = decodeStrict(unverified, { maxBytes: entryBytesMax });
  const signed = signedBytesOf(envelope, unverified);
  return { statement: readUpdateStatement(document), env: digestOf(bytes), bytes, signed };
}

/**
 * Reads and checks an envelope: size, form, author is a member and signed it alone, this consortium, size within
 * the manifest's limits, and a sealed key for each member. Whether it fits its round is judged against the round's OPEN.
 * @throws {WireError} 'too_large', 'malformed' or 'bad_signature'
 */
export function verifyUpdateStatement(
  bytes: Uint8Array,
  manifest: Manifest,
  cid: Digest,
  verify: VerifyBytes = verifyRaw,
  decode: (bytes: Uint8Array) => DecodedUpdate = decodeUpdateStatement,
): VerifiedUpdate {
  const { statement, env, signed } = decode(bytes);
  const author = memberOf(manifest, statement.author);
  if (author === null) throw malformed('$.predicate.runDetails.builder.id', 'a member');
  requireSignature(signed, keyBytes(author.logKey), verify);
  if (statement.cid !== cid) throw malformed('$.cid', 'this consortium');
  if (Object.values(statement.heads).some((weight) => weight > statement.weight)) {
    throw malformed('$.heads', `at most the update's weight of ${statement.weight}`);
  }
  if (statement.updateBytes > manifest.limits.updateBytesMax) {
    throw malformed('$.bytes', `at most ${manifest.limits.updateBytesMax}`);
  }
  const recipients = Object.keys(statement.sealedKeys);
  const isForAll = manifest.members.every(({ id }) => Object.hasOwn(statement.sealedKeys, id));
  if (!isForAll || recipients.length !== manifest.members.length) {
    throw malformed('$.sealedKeys', 'one key for each member');
  }
  return { statement, env, bytes };
}

function subjectName({ cid, round, author }: UpdateStatement): string {
  return `update/${cid}/${round}/${author}`;
}

function documentOf(statement: UpdateStatement): Json {
  const { cid, open, round, author, base, code, dataset, update } = statement;
  const { updateBytes, heads, metrics, sealedKeys, weight, nodeLog } = statement;
  const nodeLogProducts =
    nodeLog === null
      ? []
      : [
          {
            name: 'nodeLog',
            digest: { sha256: nodeLog.root },
            annotations: { log: nodeLog.log, size: nodeLog.size },
          },
        ];
  return {
    _type: statementType,
    subject: [{ name: subjectName(statement), digest: { sha256: update } }],
    predicateType,
    predicate: {
      buildDefinition: {
        buildType: nodeLog === null ? formerBuildType : buildType,
        externalParameters: { cid, open, round },
        resolvedDependencies: [
          { name: 'base-model', digest: { sha256: base } },
          { name: 'code', digest: { sha256: code } },
          { name: 'dataset', digest: { sha256: dataset } },
        ],
      },
      runDetails: {
        builder: { id: author },
        byproducts: [
          {
            name: 'update',
            digest: { sha256: update },
            annotations: { bytes: updateBytes, heads, metrics, sealedKeys, weight },
          },
          ...nodeLogProducts,
        ],
      },
    },
  };
}
