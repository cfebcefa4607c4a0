import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

import { fromHex, fromUtf8, hex, utf8, type Digest, type NodeId } from '../../src/base/index.ts';
import { leaderOrder } from '../../src/consensus/index.ts';
import { readCertificate, verifyCertificate } from '../../src/wire/index.ts';
import { statementBytes, statementsOf } from '../../src/wire/certificate.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { projectRoot } from '../project-root.ts';

interface Vector {
  readonly cid: Digest;
  readonly epoch: number;
  readonly height: number;
  readonly previous: Digest;
  readonly memberIds: readonly NodeId[];
  readonly leaderOrder: readonly number[];
  readonly publicKeys: readonly string[];
  readonly signedBytes: string;
  readonly body: string;
  readonly certificate: unknown;
}

describe('consensus vectors made by another implementation', () => {
  const text = readFileSync(join(projectRoot, 'test/vectors/consensus.json'), 'utf8');
  const vector = JSON.parse(text) as Vector;
  const members = vector.publicKeys.map((key) => ({ publicKey: fromHex(key)! }));
  const context = { cid: vector.cid, epoch: vector.epoch, members };
  const certificate = readCertificate(vector.certificate);

  it('have a certificate that proves its block', () => {
    expect(verifyCertificate(certificate, context)).equal(true);
    expect(certificate.x).equal(digestOf(utf8(vector.body)));
    expect(verifyCertificate(certificate, { ...context, epoch: 4 })).equal(false);
  });

  it('have the signed bytes', () => {
    const bytes = statementBytes(statementsOf(certificate, context)[0]!);
    const prefix = utf8('annulus/consensus/v1\n');
    expect(`${hex(prefix)}${hex(bytes)}`, fromUtf8(bytes)).equal(vector.signedBytes);
  });

  it('have the order of leaders', () => {
    const order = leaderOrder(vector.previous, vector.height, vector.memberIds);
    expect(order).deep.equal(vector.leaderOrder);
  });
});
