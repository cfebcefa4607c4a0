/** Homes of hospitals in a folder of the test's own, and consortia of them. Keys are bare: a test does not wait for scrypt. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AnnulusError, base64, type NodeId } from '../../src/base/index.ts';
import { generateEd25519, type KeyPair } from '../../src/crypto/index.ts';
import { createHome, type HomeFacts } from '../../src/node/index.ts';
import {
  encodeCanonical,
  encodeEnvelope,
  manifestPayloadType,
  signEnvelope,
  type Manifest,
  type Member,
} from '../../src/wire/index.ts';
import { plainImages, sampleStage } from '../wire/sample-stage.ts';

/** A hospital's home and its organisation's key. */
export interface Hospital {
  readonly home: HomeFacts;
  readonly org: KeyPair;
  readonly line: Member;
}

/** A folder that is removed with all that is in it by `clear`. */
export function temporaryFolder(): {
  readonly at: (name: string) => string;
  readonly clear: () => void;
} {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-home-'));
  return {
    at: (name) => join(folder, name),
    clear: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A fresh home in `folder`. */
export async function hospital(
  folder: string,
  id: string,
  passphrase: string | null = null,
): Promise<Hospital> {
  const org = generateEd25519();
  const home = await createHome(folder, {
    id: id as NodeId,
    orgKey: base64(org.publicKey),
    ...{ addresses: ['/ip4/127.0.0.1/tcp/4001'], labels: ['ms', 'hps'] },
    ...{ passphrase, settings: '# none\n', invitation: null, nowMs: 1_700_000_000_000 },
  });
  return { home, org, line: home.lines[0]!.member };
}

/** A manifest of these lines; all take part in one stage. */
export function manifestOf(lines: readonly Member[], other: Partial<Manifest> = {}): Manifest {
  const members = [...lines].sort((a, b) => (a.id < b.id ? -1 : 1));
  const participants = members.map(({ id }) => id);
  return {
    ...{ version: 0, name: 'Test', domain: 'test.example', members },
    plan: { seed: 1, images: plainImages, stages: [sampleStage({ id: 'student', participants })] },
    limits: { updateBytesMax: 1000 },
    ...other,
  };
}

/** Its envelope, signed by these keys. */
export function signedBy(manifest: Manifest, ...keys: readonly KeyPair[]): Uint8Array {
  return encodeEnvelope(signEnvelope(manifestPayloadType, encodeCanonical(manifest), ...keys));
}

/** How an attempt ended: `accepted`, or the code of its error. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    if (error instanceof AnnulusError) return String(error.code);
    throw error;
  }
}
