import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import {
  createPrivateFolder,
  fillPrivateFolder,
  HostError,
  requireNewFolder,
  requirePrivateFolder,
} from '../../src/host/index.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'accepted';
  } catch (error) {
    return error instanceof HostError ? error.code : String(error);
  }
}

describe('a private folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-private-'));
  const at = (name: string): string => join(folder, name);
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it('has its files, for its owner alone, and whatever folders they need', async () => {
    const files = new Map([
      ['a.json', utf8('one')],
      ['keys/b.key', utf8('two')],
    ]);
    await createPrivateFolder(at('new/home'), files);
    expect(readFileSync(at('new/home/keys/b.key'), 'utf8')).to.equal('two');
    for (const [name, mode] of [
      ...([
        ['.', 0o700],
        ['keys', 0o700],
      ] as const),
      ...([
        ['a.json', 0o600],
        ['keys/b.key', 0o600],
      ] as const),
    ]) {
      expect(statSync(at(`new/home/${name}`)).mode & 0o777, name).to.equal(mode);
    }
    expect(readdirSync(at('new'))).to.deep.equal(['home']);
  });

  it('is made whole or not at all', async () => {
    const failing = fillPrivateFolder(at('failed'), async (inside) => {
      writeFileSync(join(inside, 'half'), 'half');
      expect(existsSync(at('failed'))).to.equal(false);
      await Promise.reject(new Error('power'));
    });
    expect(await codeOf(failing)).to.equal('Error: power');
    expect(readdirSync(folder).filter((name) => name.includes('failed'))).to.deep.equal([]);
  });

  it("takes the place of an empty folder that is nobody else's, and of nothing more", async () => {
    const none = new Map<string, Uint8Array>();
    mkdirSync(at('empty'), { mode: 0o700 });
    expect(await codeOf(createPrivateFolder(at('empty'), none))).to.equal('accepted');
    mkdirSync(at('open'), { mode: 0o700 });
    chmodSync(at('open'), 0o701);
    expect(await codeOf(createPrivateFolder(at('open'), none))).to.equal('folder_mode');
    writeFileSync(at('file'), '');
    expect(await codeOf(createPrivateFolder(at('file'), none))).to.equal('folder_not_empty');
    // Filled by somebody else while it was being made.
    const raced = fillPrivateFolder(at('raced'), () => {
      mkdirSync(at('raced'), { mode: 0o700 });
      writeFileSync(at('raced/theirs'), '');
      return Promise.resolve();
    });
    expect(await codeOf(raced)).to.equal('folder_not_empty');
    expect(readdirSync(at('raced'))).to.deep.equal(['theirs']);
  });

  it('names the folder around it when that is closed to us', async () => {
    if (process.platform !== 'linux') return;
    // The kernel lets nobody make folders in its own /sys, not even root.
    const error = await createPrivateFolder('/sys/home', new Map()).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).match(/no permission for \/sys:|\/sys is on a read-only file system/);
  });

  it('is known by its mode, also through a link', async () => {
    mkdirSync(at('own'), { mode: 0o700 });
    expect(await codeOf(requirePrivateFolder(at('own')))).to.equal('accepted');
    for (const mode of [0o710, 0o701, 0o740, 0o704, 0o770]) {
      chmodSync(at('own'), mode);
      expect(await codeOf(requirePrivateFolder(at('own'))), mode.toString(8)).to.equal(
        'folder_mode',
      );
    }
    symlinkSync(at('empty'), at('link'));
    expect(await codeOf(requirePrivateFolder(at('link')))).to.equal('accepted');
    symlinkSync(at('own'), at('link-to-open'));
    expect(await codeOf(requirePrivateFolder(at('link-to-open')))).to.equal('folder_mode');
    expect(await codeOf(requirePrivateFolder(at('none')))).to.equal('folder_missing');
    expect(await codeOf(requireNewFolder(at('none')))).to.equal('accepted');
  });

  it('is refused before any work where this user may make none, and its place is left as it was', async () => {
    mkdirSync(at('closed'), { mode: 0o555 });
    chmodSync(folder, 0o755);
    const isRoot = process.getuid?.() === 0;
    const nobody = 65_534;
    const codes: string[] = [];
    if (isRoot) process.seteuid?.(nobody); // who has root's rights may write anywhere
    try {
      for (const name of ['closed/home', 'closed/a/b/home']) {
        codes.push(await codeOf(requireNewFolder(at(name))));
      }
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    expect(codes).to.deep.equal(['disk_denied', 'disk_denied']);
    mkdirSync(at('ours'));
    expect(await codeOf(requireNewFolder(at('ours/a/b/home')))).to.equal('accepted');
    expect(readdirSync(at('ours'))).to.deep.equal([]);
  });
});
