/**
 * Notes made by others: the example of C2SP signed-note, the package example of Go's
 * golang.org/x/mod/sumdb/note with its private key, and a checkpoint of the public log
 * arche2025h1.staging.ct.transparency.dev with the cosignatures of four public witnesses.
 */
import { expect } from 'chai';
import { base64, fromBase64, hex, utf8 } from '../../src/base/index.ts';
import {
  cosignCheckpoint,
  cosignatureTime,
  formatCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  verifyNoteSignature,
} from '../../src/audit/checkpoint.ts';
import {
  formatNote,
  formatSignatureLine,
  formatVkey,
  isBy,
  parseNote,
  parseSignatureLine,
  parseVkey,
} from '../../src/audit/signed-note.ts';
import { generateEd25519 } from '../../src/crypto/index.ts';

const specVkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const specNote =
  'This is an example message.\n\n— example.com/foo ' +
  'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

const goVkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const goSeed = fromBase64('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz')!.slice(1);
const goText =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const goLine =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

const publicCheckpoint =
  'arche2025h1.staging.ct.transparency.dev\n' +
  '1432088532\n' +
  'U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n' +
  '— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n' +
  '— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n' +
  '— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n' +
  '— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n' +
  '— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==\n';
const publicVkeys = [
  'arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f',
  'transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM',
  'witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO',
  'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2',
  'witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv',
];

describe('signed notes', () => {
  it('verify the example of the specification', () => {
    const note = parseNote(utf8(specNote));
    expect(note.text).equals('This is an example message.\n');
    expect(verifyNoteSignature(note.text, note.signatures[0]!, parseVkey(specVkey))).equals(true);
    expect(formatNote(note)).deep.equals(utf8(specNote));
    expect(formatVkey(parseVkey(specVkey))).equals(specVkey);
  });

  it('sign as Go does', () => {
    const keys = generateEd25519(goSeed);
    const line = signCheckpoint(goText, 'PeterNeumann', keys);
    expect(formatSignatureLine(line)).equals(goLine);
    expect(formatVkey({ name: 'PeterNeumann', type: 1, publicKey: keys.publicKey })).equals(goVkey);
  });

  it('refuse a changed text, name, key id or signature', () => {
    const note = parseNote(utf8(specNote));
    const key = parseVkey(specVkey);
    const line = note.signatures[0]!;
    const flipped = Uint8Array.from(line.signature, (b, i) => (i === 9 ? b ^ 1 : b));
    expect(verifyNoteSignature('This is an example message!\n', line, key)).equals(false);
    expect(verifyNoteSignature(note.text, { ...line, signature: flipped }, key)).equals(false);
    expect(isBy({ ...line, name: 'example.com/bar' }, key)).equals(false);
    expect(isBy({ ...line, keyId: Uint8Array.of(0, 0, 0, 0) }, key)).equals(false);
  });

  it('are refused when out of form', () => {
    const bad = {
      'no lines': 'text\n',
      'no text separator': goText + goLine,
      'no final newline': specNote.slice(0, -1),
      'empty line at the end': `${specNote}\n`,
      'hyphen for the dash': specNote.replace('—', '-'),
      'two spaces': specNote.replace('— ', '—  '),
      'control character': specNote.replace('This', 'Th\tis'),
      'loose base64': specNote.replace('aQM=', 'aQN='),
    };
    for (const [name, text] of Object.entries(bad)) {
      expect(() => parseNote(utf8(text)), name)
        .throws()
        .with.property('code', 'malformed');
    }
    expect(() => parseNote(Uint8Array.of(0xff, 10, 10)))
      .throws()
      .with.property('code', 'malformed');
    expect(() => parseVkey(specVkey.replace('530d', '530e'))).throws();
    expect(() => parseVkey('a b+00000000+AQ==')).throws();
    expect(() => parseSignatureLine('— name AAAA')).throws();
  });
});

describe('checkpoints', () => {
  it('verify a public log with four public witnesses', () => {
    const note = parseNote(utf8(publicCheckpoint));
    const checkpoint = parseCheckpoint(note.text);
    expect(checkpoint.size).equals(1_432_088_532);
    expect(formatCheckpoint(checkpoint)).equals(note.text);
    note.signatures.forEach((signature, i) => {
      const key = parseVkey(publicVkeys[i]!);
      expect(verifyNoteSignature(note.text, signature, key), key.name).equals(true);
      const other = note.text.replace('1432088532', '1432088533');
      expect(verifyNoteSignature(other, signature, key), key.name).equals(false);
    });
    // 0x6a122120 seconds, as it stands in the line.
    expect(cosignatureTime(note.signatures[1]!)).equals(0x6a122120n);
  });

  it('cosign what they verify, bound to the time', () => {
    const keys = generateEd25519(new Uint8Array(32).fill(5));
    const text = formatCheckpoint({ origin: 'a.example/fl', size: 3, root: new Uint8Array(32) });
    const line = cosignCheckpoint(text, 'L1/witness', keys, 1_679_315_147);
    const key = { name: 'L1/witness', type: 4, publicKey: keys.publicKey };
    expect(hex(line.signature.slice(0, 8))).equals('00000000641850cb');
    expect(verifyNoteSignature(text, line, key)).equals(true);
    const later = Uint8Array.from(line.signature, (b, i) => (i === 7 ? b + 1 : b));
    expect(verifyNoteSignature(text, { ...line, signature: later }, key)).equals(false);
    expect(verifyNoteSignature(text, line, { ...key, type: 1 })).equals(false);
  });

  it('are refused when out of form', () => {
    const root = base64(new Uint8Array(32));
    for (const text of [
      `o\n01\n${root}\n`,
      `o\n-1\n${root}\n`,
      `\n1\n${root}\n`,
      `o\n1\n${root}`,
      `o\n1\n${root}\nextension\n`,
      `o\n1\nAAAA\n`,
    ]) {
      expect(() => parseCheckpoint(text), text)
        .throws()
        .with.property('code', 'malformed');
    }
  });
});
