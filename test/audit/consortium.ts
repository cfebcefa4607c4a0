/** A consortium with keys from seeds, and blocks decided by all of its members: material for log tests. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  base64,
  utf8,
  type Digest,
  type Height,
  type NodeId,
  type RoundNumber,
} from '../../src/base/index.ts';
import { digestOf, generateEd25519, sha256, type KeyPair } from '../../src/crypto/index.ts';
import {
  bodyDigest,
  encodeCanonical,
  hyperparametersOf,
  signManifest,
  type BlockBody,
  type Json,
  type Manifest,
  type Member,
  type Open,
  type SignedManifest,
  type PlanStage,
} from '../../src/wire/index.ts';
import { plainImages, plainRule, sampleStage, teacherTraining } from '../wire/sample-stage.ts';

const roles = ['org', 'consensus', 'log', 'witness', 'transport'] as const;
type Keys = Record<(typeof roles)[number], KeyPair>;

export interface TestMember {
  readonly id: NodeId;
  readonly keys: Keys;
}

export interface TestConsortium {
  readonly signed: SignedManifest;
  readonly members: readonly TestMember[];
  readonly quorum: number;
}

/**
 * @param hasIdleStage whether a stage without rounds comes first in the plan
 * @param rounds of the student's stage
 */
export function makeConsortium(
  memberCount = 4,
  name = 'test',
  hasIdleStage = false,
  rounds = 4,
): TestConsortium {
  const members = Array.from({ length: memberCount }, (_, i) => {
    const id = `L${i + 1}` as NodeId;
    const key = (role: string): KeyPair => generateEd25519(sha256(utf8(`${name}/${id}/${role}`)));
    const keys = Object.fromEntries(roles.map((role) => [role, key(role)])) as Keys;
    return { id, keys };
  });
  const ids = members.map((member) => member.id);
  const student = sampleStage({
    ...{ id: 'student', participants: ids, rounds, roundTimeoutMs: 1000, minParticipants: 2 },
    rule: { ...plainRule, samplesCap: 100 },
  });
  const idle: PlanStage = {
    ...student,
    ...{ id: 'teacher-hps', kind: 'teacher', task: 'hps', rounds: 0, training: teacherTraining },
  };
  const manifest: Manifest = {
    version: 0,
    name,
    domain: 'hearts.example',
    members: members.map(({ id, keys }) => memberOf(id, keys)),
    plan: {
      seed: 1,
      images: plainImages,
      stages: hasIdleStage ? [idle, student] : [student],
    },
    limits: { updateBytesMax: 1_000_000 },
  };
  const signed = signManifest(
    manifest,
    members.map((member) => member.keys.org),
  );
  return { signed, members, quorum: Math.floor((2 * memberCount) / 3) + 1 };
}

function memberOf(id: NodeId, keys: Keys): Member {
  return {
    id,
    role: 'voter',
    orgKey: base64(keys.org.publicKey),
    consensusKey: base64(keys.consensus.publicKey),
    logKey: base64(keys.log.publicKey),
    witnessKey: base64(keys.witness.publicKey),
    transportKey: base64(keys.transport.publicKey),
    sealKey: base64(x25519PublicKey(keys.transport.seed)),
    addresses: [],
    labels: [],
  };
}

function x25519PublicKey(seed: Uint8Array): Uint8Array {
  const prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
  const key = Buffer.concat([prefix, seed]);
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(-32));
}

/** A FINALIZE certificate over `body` by the first `signerCount` members. */
export function certify(
  consortium: TestConsortium,
  body: BlockBody,
  signerCount: number = consortium.quorum,
): Json {
  const x = bodyDigest(body);
  const { cid, e, h } = body;
  const message = encodeCanonical({ t: 'FINALIZE', cid, e, h, v: 0, x });
  const sigs = consortium.members
    .slice(0, signerCount)
    .map(({ keys }, i) => [i, base64(keys.consensus.sign('annulus/consensus/v1', message))]);
  return { kind: 'FINALIZE', h, v: 0, x, sigs };
}

/** An OPEN of round `r`, after `roundsSealed` rounds of the last stage. */
export function open(consortium: TestConsortium, r: number, base: Digest, roundsSealed = 0): Open {
  const { plan } = consortium.signed.manifest;
  const stage = plan.stages.at(-1)!;
  return {
    op: 'OPEN',
    r: r as RoundNumber,
    stage: 'student',
    base,
    code: digestOf(utf8('code')),
    hp: hyperparametersOf(plan, stage, Math.min(roundsSealed, stage.rounds - 1)),
    rule: stage.rule,
    deadline: 1000,
    minParticipants: 2,
    participants: consortium.members.map((member) => member.id),
  };
}

/** A body without `log`. */
export function bodyOf(
  consortium: TestConsortium,
  h: number,
  prev: Digest,
  ops: BlockBody['ops'],
): Omit<BlockBody, 'log'> {
  return { v: 1, cid: consortium.signed.cid, e: 0, h: h as Height, prev, ts: 1000 * h, ops };
}
