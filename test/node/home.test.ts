import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { AnnulusError, base64, type NodeId } from '../../src/base/index.ts';
import { generateEd25519, generateHpkeKey } from '../../src/crypto/index.ts';
import {
  addNodeKeys,
  defaultHome,
  forgetKeysBefore,
  isHomeSealed,
  keepManifest,
  keepManifests,
  lineInUse,
  lookAtHome,
  openHome,
  openOrgKey,
  sealOrgKey,
} from '../../src/node/index.ts';
import { manifestDigest, type Manifest, type Member } from '../../src/wire/index.ts';
import { codeOf, hospital, manifestOf, signedBy, temporaryFolder, type Hospital } from './homes.ts';

describe('the home of a node', () => {
  const { at, clear } = temporaryFolder();
  after(clear);

  it('is where the flag, the variable, the system or the user keeps it, in this order', () => {
    const all = { ANNULUS_HOME: '/a', XDG_STATE_HOME: '/x' };
    expect(defaultHome(all, '/u')).to.equal('/a');
    expect(defaultHome({ ...all, ANNULUS_HOME: '' }, '/u')).to.equal('/x/annulus');
    expect(defaultHome({}, '/u')).to.equal('/u/.local/state/annulus');
  });

  it('holds what its owner alone can read, and opens with the keys of its public line', async () => {
    const { home, org, line } = await hospital(at('new/L1'), 'L1');
    for (const name of ['.', 'keys']) {
      expect(statSync(join(home.folder, name)).mode & 0o777).to.equal(0o700);
    }
    for (const name of ['home.json', 'node.yaml', 'keys/node-1.key', 'keys/node-1.json']) {
      expect(statSync(join(home.folder, name)).mode & 0o777).to.equal(0o600);
    }
    const opened = await openHome(home.folder, null);
    expect(opened.id).to.equal('L1');
    expect(opened.createdAtMs).to.equal(1_700_000_000_000);
    expect(opened.member).to.deep.equal(line);
    expect(line.labels).to.deep.equal(['hps', 'ms']);
    expect(line.orgKey).to.equal(base64(org.publicKey));
    // What the private keys are, by the other library calls.
    const { keys } = opened;
    expect(line.consensusKey).to.equal(base64(keys.consensus.publicKey));
    expect(line.logKey).to.equal(base64(keys.log.publicKey));
    expect(line.witnessKey).to.equal(base64(keys.witness.publicKey));
    expect(line.transportKey).to.equal(base64(generateEd25519(keys.transport.seed).publicKey));
    expect(line.sealKey).to.equal(base64(generateHpkeKey(keys.seal.privateKey).publicKey));
    expect(keys.site.byteLength).to.equal(32);
    const { orgKey: o, consensusKey: c, logKey: l, witnessKey: w, transportKey: t } = line;
    expect(new Set([o, c, l, w, t, line.sealKey]).size).to.equal(6);
  });

  it('is not made where something is, where others may look, or in the place of a file', async () => {
    mkdirSync(at('full/x'), { recursive: true });
    mkdirSync(at('loose'));
    chmodSync(at('loose'), 0o750);
    mkdirSync(at('empty'), { mode: 0o700 });
    writeFileSync(at('file'), '');
    expect(await codeOf(hospital(at('full'), 'L1'))).to.equal('folder_not_empty');
    expect(await codeOf(hospital(at('loose'), 'L1'))).to.equal('folder_mode');
    expect(await codeOf(hospital(at('file'), 'L1'))).to.equal('folder_not_empty');
    expect(await codeOf(hospital(at('empty'), 'L1'))).to.equal('accepted');
    expect(await codeOf(hospital(at('empty'), 'L1'))).to.equal('folder_not_empty');
  });

  it('leaves nothing behind when it cannot be made', async () => {
    mkdirSync(at('shut'), { mode: 0o500 });
    if (process.getuid?.() !== 0) {
      expect(await codeOf(hospital(at('shut/home'), 'L1'))).to.equal('disk_denied');
    }
    // A name that no manifest takes is refused before the folder is made.
    expect(await codeOf(hospital(at('misnamed'), 'L 1'))).to.equal('malformed');
    expect(existsSync(at('misnamed'))).to.equal(false);
    expect(readdirSync(at('shut'))).to.deep.equal([]);
  });

  it('is not opened when others may look into it, or read its keys', async () => {
    const { home } = await hospital(at('rights'), 'L1');
    const { folder } = home;
    chmodSync(folder, 0o711);
    expect(await codeOf(openHome(folder, null))).to.equal('folder_mode');
    expect(await openHome(folder, null).catch(String)).to.contain('chmod 700');
    chmodSync(folder, 0o700);
    chmodSync(join(folder, 'keys'), 0o770);
    expect(await codeOf(openHome(folder, null))).to.equal('folder_mode');
    chmodSync(join(folder, 'keys'), 0o700);
    chmodSync(join(folder, 'keys/node-1.key'), 0o640);
    expect(await codeOf(openHome(folder, null))).to.equal('key_file_mode');
    chmodSync(join(folder, 'keys/node-1.key'), 0o600);
    expect(await codeOf(openHome(folder, null))).to.equal('accepted');
  });

  it('opens with its passphrase and no other, and says all else without it', async () => {
    const { home, line } = await hospital(at('sealed'), 'L1', 'four words or more');
    expect(await isHomeSealed(home)).to.equal(true);
    expect((await openHome(home.folder, 'four words or more')).member).to.deep.equal(line);
    expect(await codeOf(openHome(home.folder, 'four words or less'))).to.equal('wrong_passphrase');
    expect(await codeOf(openHome(home.folder, null))).to.equal('wrong_passphrase');
    expect((await lookAtHome(home.folder)).lines[0]!.member).to.deep.equal(line);
  });

  it('is refused when a file of it is missing, changed or of another home', async () => {
    const [one, other] = [await hospital(at('one'), 'L1'), await hospital(at('other'), 'L1')];
    const tried = async (name: string, change: (text: string) => string): Promise<string> => {
      const path = join(one.home.folder, name);
      const was = readFileSync(path, 'utf8');
      writeFileSync(path, change(was));
      const code = await codeOf(openHome(one.home.folder, null));
      writeFileSync(path, was);
      return code;
    };
    const of = (name: string): string => readFileSync(join(other.home.folder, name), 'utf8');
    expect(await codeOf(openHome(at('nothing'), null))).to.equal('no_home');
    expect(await tried('home.json', (text) => text.replace('v1', 'v2'))).to.equal('bad_home');
    expect(await tried('home.json', () => '')).to.equal('bad_home');
    expect(await tried('keys/node-1.json', () => '{}')).to.equal('bad_home');
    expect(await tried('keys/node-1.json', () => of('keys/node-1.json'))).to.equal('keys_differ');
    expect(await tried('keys/node-1.key', () => of('keys/node-1.key'))).to.equal('keys_differ');
    expect(await tried('keys/node-1.key', () => 'none')).to.equal('bad_key_file');
    const orgFile = sealOrgKey({ id: 'L1' as NodeId, key: one.org }, null);
    expect(await tried('keys/node-1.key', () => Buffer.from(orgFile).toString('utf8'))).to.equal(
      'bad_key_file',
    );
    expect(await codeOf(openHome(one.home.folder, null))).to.equal('accepted');
  });

  it("keeps an organisation's key under a passphrase of its own, with its name", () => {
    const key = generateEd25519();
    const file = sealOrgKey({ id: 'L1' as NodeId, key }, 'another passphrase');
    const opened = openOrgKey(file, 'another passphrase');
    expect(opened.id).to.equal('L1');
    expect(opened.key.publicKey).to.deep.equal(key.publicKey);
    expect(() => openOrgKey(file, 'a passphrase')).to.throw(AnnulusError);
    expect(Buffer.from(file).includes(base64(key.seed))).to.equal(false);
  });
});

describe('the manifests of a home', () => {
  const { at, clear } = temporaryFolder();
  after(clear);
  let all: Hospital[] = [];
  let genesis: Manifest;
  let bytes: Uint8Array;
  let count = 0;

  before(async () => {
    all = await Promise.all(['L1', 'L2', 'L3', 'L4'].map((id) => hospital(at(id), id)));
    genesis = manifestOf(all.map(({ line }) => line));
    bytes = signedBy(genesis, ...all.map(({ org }) => org));
  });

  const next = (changes: Partial<Manifest>, previous = genesis): Manifest => ({
    ...previous,
    ...{ version: previous.version + 1, prev: manifestDigest(previous) },
    ...changes,
  });
  /** A change that needs T = 3 of 4: of the limits. */
  const limited = (updateBytesMax: number, previous = genesis): Uint8Array =>
    signedBy(
      next({ limits: { updateBytesMax } }, previous),
      ...all.slice(0, 3).map(({ org }) => org),
    );
  /** The line of `who` in a consortium of these four, with fresh homes for every test. */
  async function fresh(): Promise<Hospital> {
    count += 1;
    return hospital(at(`fresh-${count}`), 'L5');
  }

  it('are kept as they came, verified one after the other, and read again', async () => {
    const { home } = all[0]!;
    await keepManifest(home, bytes, 'signed');
    const second = limited(2000);
    await keepManifest(await lookAtHome(home.folder), second, 'signed');
    const { manifests } = await lookAtHome(home.folder);
    expect(manifests.map(({ bytes: kept }) => kept)).to.deep.equal([bytes, second]);
    expect(manifests.map(({ cid }) => cid)).to.deep.equal(
      [0, 1].map(() => manifestDigest(genesis)),
    );
    const again = await keepManifest(await lookAtHome(home.folder), bytes, 'signed');
    expect(again.length).to.equal(2);
    expect((await openHome(home.folder, null)).member).to.deep.equal(all[0]!.line);
  });

  it('are refused when unsigned, out of turn, of others or without the keys of this home', async () => {
    const { home } = all[1]!;
    const org = all.map((one) => one.org);
    const lone = signedBy(genesis, ...org.slice(1));
    expect(await codeOf(keepManifest(home, lone, 'signed'))).to.equal('bad_signature');
    expect(await codeOf(keepManifest(home, limited(2000), 'signed'))).to.equal('missing_versions');
    const stranger = await fresh();
    expect(await codeOf(keepManifest(stranger.home, bytes, 'signed'))).to.equal('not_my_keys');
    const { home: homonym } = await hospital(at('homonym'), 'L2');
    expect(await codeOf(keepManifest(homonym, bytes, 'signed'))).to.equal('not_my_keys');
    expect((await lookAtHome(homonym.folder)).manifests).to.deep.equal([]);

    await keepManifest(home, bytes, 'signed');
    const now = await lookAtHome(home.folder);
    const other = signedBy({ ...genesis, name: 'Other' }, ...org);
    expect(await codeOf(keepManifest(now, other, 'signed'))).to.equal('foreign_consortium');
    const short = signedBy(next({ limits: { updateBytesMax: 7 } }), ...org.slice(2));
    expect(await codeOf(keepManifest(now, short, 'signed'))).to.equal('bad_signature');
    const third = limited(3000, next({ limits: { updateBytesMax: 2000 } }));
    expect(await codeOf(keepManifest(now, third, 'signed'))).to.equal('missing_versions');
    // Both follow the genesis; the home knows the first, and the second is not the next.
    await keepManifest(now, limited(2000), 'signed');
    const later = await lookAtHome(home.folder);
    expect(await codeOf(keepManifest(later, limited(4000), 'signed'))).to.equal('stale_manifest');
    const fork = limited(5000, next({ limits: { updateBytesMax: 4000 } }));
    expect(await codeOf(keepManifest(later, fork, 'signed'))).to.equal('malformed');
    expect((await lookAtHome(home.folder)).manifests.length).to.equal(2);
  });

  it('that consensus ordered replace those that were only signed, with all that followed', async () => {
    const { home } = all[2]!;
    await keepManifests(home, [bytes, limited(2000)], 'signed');
    const two = next({ limits: { updateBytesMax: 2000 } });
    await keepManifest(await lookAtHome(home.folder), limited(3000, two), 'signed');
    const before = await lookAtHome(home.folder);
    expect(before.manifests.length).to.equal(3);
    await keepManifest(before, limited(4000), 'ordered');
    const { manifests } = await lookAtHome(home.folder);
    expect(manifests.map(({ manifest }) => manifest.limits.updateBytesMax)).to.deep.equal([
      1000, 4000,
    ]);
  });

  it('that consensus ordered may leave this hospital out; its last line stays in use', async () => {
    const { home, line } = all[3]!;
    await keepManifest(home, bytes, 'signed');
    const rest = all.slice(0, 3);
    const { members, plan } = manifestOf(rest.map((one) => one.line));
    const without = signedBy(next({ members, plan }), ...rest.map(({ org }) => org));
    const now = await lookAtHome(home.folder);
    expect(await codeOf(keepManifest(now, without, 'signed'))).to.equal('not_my_keys');
    await keepManifest(now, without, 'ordered');
    expect(lineInUse(await lookAtHome(home.folder))).to.deep.equal(line);
  });

  it('let a newcomer take all versions at once, of which the last names it', async () => {
    const newcomer = await fresh();
    const everybody = [...all, newcomer];
    const { members, plan } = manifestOf(everybody.map((one) => one.line));
    // T of 4 is 3, T of 5 is 4; the newcomer must be among those that sign.
    const signers = [newcomer.org, ...all.slice(0, 3).map(({ org }) => org)];
    const joined = signedBy(next({ members, plan }), ...signers);
    await keepManifests(newcomer.home, [bytes, joined], 'signed');
    const opened = await openHome(newcomer.home.folder, null);
    expect(opened.manifests.length).to.equal(2);
    expect(opened.member.id).to.equal('L5');
  });

  it('bring renewed keys into use when they name them, and old keys are then forgotten', async () => {
    const { home, org, line } = await fresh();
    const first = manifestOf([line]);
    await keepManifest(home, signedBy(first, org), 'signed');
    const facts = {
      orgKey: line.orgKey,
      addresses: ['/dns4/l5.example/tcp/4001'],
      labels: ['hps'],
    };
    const renewed: Member = await addNodeKeys(await lookAtHome(home.folder), null, facts);
    expect(renewed).to.include({ id: 'L5' }).and.deep.include(facts);
    const waiting = await openHome(home.folder, null);
    expect(waiting.member).to.deep.equal(line);
    expect(waiting.keysOf(renewed)!.site).to.deep.equal(waiting.keys.site);
    expect(renewed.sealKey).to.not.equal(line.sealKey);

    await keepManifest(waiting, signedBy(next({ members: [renewed] }, first), org), 'ordered');
    const inForce = await openHome(home.folder, null);
    expect(inForce.member).to.deep.equal(renewed);
    expect(inForce.keysOf(line)).to.not.equal(null);
    await forgetKeysBefore(inForce, renewed);
    expect((await openHome(home.folder, null)).keysOf(line)).to.equal(null);
    expect(readdirSync(join(home.folder, 'keys'))).to.deep.equal(['node-2.json', 'node-2.key']);
  });
});
