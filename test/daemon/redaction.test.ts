import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { unzipSync, strFromU8 } from 'fflate';
import { base64, type NodeId } from '../../src/base/index.ts';
import { generateEd25519 } from '../../src/crypto/index.ts';
import { bundleBytes, bundleFiles, readDaemonSettings } from '../../src/daemon/index.ts';
import { redaction, type RedactionFacts } from '../../src/daemon/redaction.ts';
import { createHome } from '../../src/node/index.ts';

const facts: RedactionFacts = {
  folders: [
    { path: '/srv/annulus', standIn: '<home>' },
    { path: '/data/heart', standIn: '<data>' },
  ],
  caseNames: ['Meier-1957', '7'],
  secrets: ['correct horse battery'],
  open: ['ab'.repeat(32)],
  hosts: [{ host: 'node.clinic.example', standIn: '<host-L2>' }],
};
const redact = redaction(facts);
const key = Uint8Array.from({ length: 32 }, (_, at) => (at * 37 + 11) % 256);

describe('redaction', () => {
  it('takes out keys in hex and base64, and gives the same number the same stand-in', () => {
    const hex = Buffer.from(key).toString('hex');
    // The stand-in by another implementation: the first ten digits of SHA-256 over the text.
    const standIn = `#${createHash('sha256').update(hex).digest('hex').slice(0, 10)}`;
    expect(redact(`seed=${hex} and ${hex}.`)).equal(`seed=${standIn} and ${standIn}.`);
    for (const kind of ['base64', 'base64url'] as const) {
      const text = Buffer.from(key).toString(kind);
      expect(redact(`{"seed":"${text}"}`), kind).match(/^\{"seed":"#[0-9a-f]{10}"\}$/);
    }
    expect(redact(hex.toUpperCase())).match(/^#/);
    expect(redact(`cid ${'ab'.repeat(32)}`)).equal(`cid ${'ab'.repeat(32)}`);
    const words =
      'a-very-long-name-with-dashes and /annulus/gossip/messages/status, inboundConnectionThreshold';
    expect(redact(words)).equal(words);
  });

  it('takes out passphrases, known and said', () => {
    expect(redact('it is correct horse battery!')).equal('it is <secret>!');
    for (const text of ['passphrase: hunter2', 'PASSWORD=hunter2', '"token":"hunter2"']) {
      expect(redact(text), text).contain('<secret>');
      expect(redact(text), text).not.contain('hunter2');
    }
    expect(redact('no passphrase is set')).equal('no passphrase is set');
  });

  it('takes out names of cases and what lies below the data folder', () => {
    expect(redact('bad: /data/heart/train/Meier-1957/ct.nii.gz: cut')).equal('bad: <data>: cut');
    expect(redact('set aside train/7/ct.nii and test/x, 7 of them')).equal(
      'set aside train/<case> and test/<case>, 7 of them',
    );
    expect(redact('Meier-1957.')).equal('<case>.');
    expect(redact('/srv/annulus/node/peer.log')).equal('<home>/node/peer.log');
  });

  it('gives hosts and addresses stand-ins that stay, and leaves loopback and times', () => {
    const line =
      '14:20:03 10.0.4.7 to /dns4/node.clinic.example/tcp/4001 from fe80::1:2 and 127.0.0.1';
    const shown = '14:20:03 <address-1> to /dns4/<host-L2>/tcp/4001 from <address-2> and 127.0.0.1';
    expect(redact(line)).equal(shown);
    expect(redact('10.0.4.7 again, 10.0.4.8 new')).equal('<address-1> again, <address-3> new');
    const open = redaction({ ...facts, hosts: null });
    expect(open('10.0.4.7 and node.clinic.example')).equal('10.0.4.7 and node.clinic.example');
  });
});

describe('a bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('has no planted secret in any of its files', async () => {
    const [home, data] = [join(folder, 'home'), join(folder, 'patients')];
    const name = 'Meier-1957-heart';
    mkdirSync(join(data, 'train', name), { recursive: true });
    writeFileSync(join(data, 'train', name, 'ct.nii.gz'), '');
    const org = generateEd25519();
    const settings = `data: { folder: ${data} } # passphrase hunter2-hunter2\n`;
    const made = await createHome(home, {
      ...{ id: 'L1' as NodeId, orgKey: base64(org.publicKey), passphrase: null, settings },
      ...{ invitation: null, addresses: [], labels: [], nowMs: 0 },
    });
    const seed = randomBytes(32);
    const planted = [seed.toString('hex'), seed.toString('base64'), name, 'hunter2-hunter2', data];
    const log = planted
      .map((text) => `2026-11-29T10:00:00.000Z warn  said ${text} once\n`)
      .join('');
    mkdirSync(join(home, 'node'));
    for (const file of ['node.log', 'peer.log']) writeFileSync(join(home, 'node', file), log);
    const status = { version: 1, messages: planted, prediction: { caption: 'a calcified valve' } };
    const files = await bundleFiles({
      ...{ home: made, settings: readDaemonSettings(settings, 'node.yaml'), status },
      ...{ findings: [], secrets: ['hunter2-hunter2'], withAddresses: false },
    });
    const zip = unzipSync(bundleBytes(files));
    const texts = Object.values(zip).map((bytes) => strFromU8(bytes));
    expect(Object.keys(zip)).include.members(['annulus/README.txt', 'annulus/node.log']);
    // What was planted was there: its lines are, without it.
    expect(texts.join('').split(' once').length - 1).equal(2 * planted.length);
    for (const secret of [...planted, 'calcified']) {
      for (const [at, text] of texts.entries()) {
        expect(text.includes(secret), `${secret} in ${Object.keys(zip)[at] ?? ''}`).equal(false);
      }
    }
  });
});
