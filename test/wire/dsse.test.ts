import { expect } from 'chai';

import { base64, fromUtf8, utf8 } from '../../src/base/index.ts';
import { generateEd25519, sha256, verifyRaw } from '../../src/crypto/index.ts';
import {
  decodeEnvelope,
  encodeEnvelope,
  keyIdOf,
  preAuthEncoding,
  signEnvelope,
  verifyEnvelope,
  WireError,
  type Envelope,
} from '../../src/wire/index.ts';

const type = 'http://example.com/HelloWorld';
const key = generateEd25519(sha256(utf8('a key')));

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

describe('DSSE', () => {
  it("encodes the specification's example", () => {
    const encoded = preAuthEncoding(type, utf8('hello world'));
    expect(fromUtf8(encoded)).to.equal('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
    // Lengths are of bytes, not of characters.
    expect(fromUtf8(preAuthEncoding('é', utf8('ü')))).to.equal('DSSEv1 2 é 2 ü');
  });

  it('signs the encoding and nothing else', () => {
    const envelope = signEnvelope(type, utf8('hello world'), key);
    expect(envelope.payload).to.equal('aGVsbG8gd29ybGQ=');
    const [signature] = envelope.signatures;
    const signed = utf8('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
    const raw = new Uint8Array(Buffer.from(signature!.sig, 'base64'));
    expect(verifyRaw(key.publicKey, signed, raw)).to.equal(true);
    expect(signature!.keyid).to.equal(keyIdOf(key.publicKey));
  });

  it('survives its own bytes', () => {
    const envelope = signEnvelope(type, utf8('x'), key, generateEd25519());
    const back = decodeEnvelope(encodeEnvelope(envelope));
    expect(back).to.deep.equal(envelope);
    expect(fromUtf8(verifyEnvelope(back, type, key.publicKey))).to.equal('x');
  });

  it('refuses another payload, type, key or signature', () => {
    const envelope = signEnvelope(type, utf8('x'), key);
    const open = (changes: Partial<Envelope>, publicKey = key.publicKey): string =>
      codeOf(() => verifyEnvelope({ ...envelope, ...changes }, type, publicKey));
    expect(open({})).to.equal('accepted');
    expect(open({ payload: base64(utf8('y')) })).to.equal('bad_signature');
    expect(open({ payloadType: 'other' })).to.equal('malformed');
    expect(open({}, generateEd25519().publicKey)).to.equal('bad_signature');
    expect(open({ signatures: [] })).to.equal('bad_signature');
    const [own] = envelope.signatures;
    const foreign = signEnvelope(type, utf8('y'), key).signatures[0]!;
    expect(open({ signatures: [{ ...own!, sig: foreign.sig }] })).to.equal('bad_signature');
    // The key id is a hint: a right one with a foreign signature does not help.
    const stranger = signEnvelope(type, utf8('x'), generateEd25519()).signatures[0]!;
    expect(open({ signatures: [{ ...stranger, keyid: own!.keyid }] })).to.equal('bad_signature');
  });

  it('refuses envelopes that are too large or of another form', () => {
    const envelope = signEnvelope(type, utf8('x'), key);
    const bad: object[] = [
      { ...envelope, extra: 1 },
      { ...envelope, payload: 'eA' },
      { ...envelope, payload: 'eA==\n' },
      { ...envelope, payloadType: 'a b' },
      { ...envelope, signatures: [] },
      { ...envelope, signatures: [{ sig: envelope.signatures[0]!.sig }] },
      { ...envelope, signatures: [{ ...envelope.signatures[0]!, sig: 'AAAA' }] },
    ];
    for (const [index, value] of bad.entries()) {
      const bytes = utf8(JSON.stringify(Object.fromEntries(Object.entries(value).sort())));
      expect(
        codeOf(() => decodeEnvelope(bytes)),
        `case ${index}`,
      ).to.equal('malformed');
    }
    expect(codeOf(() => decodeEnvelope(new Uint8Array(65_536)))).to.equal('too_large');
  });
});
