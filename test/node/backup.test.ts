import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import { sealKeyFile } from '../../src/crypto/index.ts';
import { diskStore } from '../../src/host/index.ts';
import {
  backUpHome,
  isBackupSealed,
  keepManifest,
  lookAtHome,
  openHome,
  restoredAtMs,
  restoreHome,
  settleRestored,
} from '../../src/node/index.ts';
import { codeOf, hospital, manifestOf, signedBy, temporaryFolder, type Hospital } from './homes.ts';

const passphrase = 'a backup passphrase';

describe('a backup of a home', () => {
  const { at, clear } = temporaryFolder();
  after(clear);
  let made: Hospital;
  const file = at('L1.backup');
  /** More than one piece of reading and of encryption: 1 MiB and 16 KiB. */
  const log = Uint8Array.from({ length: 2_500_000 }, (_, index) => index % 251);

  before(async () => {
    made = await hospital(at('L1'), 'L1');
    await keepManifest(made.home, signedBy(manifestOf([made.line]), made.org), 'signed');
    const store = diskStore(join(made.home.folder, 'node'));
    await store.write('log/tile/entries', log);
    await store.write('log/empty', new Uint8Array());
    await store.write('node-log/1/checkpoint', utf8('own log'));
    await store.write('wal/0/7.log', utf8('votes'));
    await store.write('evidence/L2.json', utf8('{}'));
    await store.write('cases/train/one.case', utf8('PATIENT'));
    await store.write('blobs/abc', utf8('MODEL'));
    await backUpHome(await lookAtHome(made.home.folder), file, passphrase);
  });

  it('brings back keys, settings, manifests, log and votes, byte for byte, and neither cases nor models', async () => {
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(await isBackupSealed(file)).to.equal(true);
    await restoreHome(file, at('back'), passphrase, 1234);
    const opened = await openHome(at('back'), null);
    const before = await openHome(made.home.folder, null);
    expect(opened.keys.consensus.publicKey).to.deep.equal(before.keys.consensus.publicKey);
    expect(opened.manifests).to.deep.equal(before.manifests);
    const names = [
      'log/tile/entries',
      'log/empty',
      'wal/0/7.log',
      'evidence/L2.json',
      'node-log/1/checkpoint',
    ];
    for (const name of [...names.map((one) => `node/${one}`), 'home.json', 'node.yaml']) {
      expect(readFileSync(at(`back/${name}`)), name).to.deep.equal(readFileSync(at(`L1/${name}`)));
    }
    expect(readdirSync(at('back/node')).sort()).to.deep.equal([
      ...['evidence', 'log', 'node-log', 'restored.json', 'wal'],
    ]);
    // Its own log may be older than what its node has told since: another one is to begin.
    expect(readdirSync(at('back/node/node-log')).sort()).to.deep.equal(['1', 'restored']);
    expect(statSync(at('back')).mode & 0o777).to.equal(0o700);
    const bytes = readFileSync(file);
    for (const word of ['PATIENT', 'votes', opened.member.orgKey]) {
      expect(bytes.includes(word), word).to.equal(false);
    }
  });

  it('marks what it brought back, until that is settled', async () => {
    await restoreHome(file, at('marked'), passphrase, 1234);
    const home = await lookAtHome(at('marked'));
    expect(await restoredAtMs(home)).to.equal(1234);
    expect(await restoredAtMs(made.home)).to.equal(null);
    await settleRestored(home);
    expect(await restoredAtMs(home)).to.equal(null);
  });

  it('is not written over a file, nor brought back over a home', async () => {
    expect(await codeOf(backUpHome(made.home, file, null))).to.not.equal('accepted');
    expect(await codeOf(restoreHome(file, made.home.folder, passphrase, 0))).to.equal(
      'folder_not_empty',
    );
    mkdirSync(at('loose'), { mode: 0o755 });
    expect(await codeOf(restoreHome(file, at('loose'), passphrase, 0))).to.equal('folder_mode');
  });

  it('is refused with another passphrase, cut, extended or changed anywhere; nothing is left behind', async () => {
    const open = at('open.backup');
    await backUpHome(made.home, open, null);
    expect(await isBackupSealed(open)).to.equal(false);
    const bytes = new Uint8Array(readFileSync(open));
    const tried = async (changed: Uint8Array): Promise<string> => {
      writeFileSync(at('tried'), changed);
      const code = await codeOf(restoreHome(at('tried'), at('out'), null, 0));
      expect(existsSync(at('out'))).to.equal(false);
      return code;
    };
    expect(await codeOf(restoreHome(file, at('out'), 'a wrong passphrase', 0))).to.equal(
      'wrong_passphrase',
    );
    expect(await codeOf(restoreHome(file, at('out'), null, 0))).to.equal('wrong_passphrase');
    for (const length of [0, 10, 200, 300, 20_000, bytes.byteLength - 1]) {
      expect(await tried(bytes.slice(0, length)), `cut at ${length}`).to.be.oneOf([
        ...['bad_archive', 'bad_key_file'],
      ]);
    }
    expect(await tried(Uint8Array.from([...bytes, 0]))).to.equal('bad_archive');
    const size = bytes.byteLength;
    for (const index of [0, 5, 40, 80, 130, 200, 5000, Math.floor(size / 2), size - 20, size - 1]) {
      const flipped = bytes.map((byte, n) => (n === index ? byte ^ 1 : byte));
      expect(await tried(flipped), `flipped at ${index}`).to.be.oneOf([
        ...['bad_archive', 'bad_key_file'],
      ]);
    }
    // A key file of another kind at its beginning, and no home inside.
    expect(await tried(sealKeyFile(utf8('short'), null))).to.equal('bad_key_file');
    expect(await tried(utf8('text without an end'))).to.equal('bad_archive');
    expect(readdirSync(at('.')).filter((name) => name.endsWith('.new'))).to.deep.equal([]);
  });
});
