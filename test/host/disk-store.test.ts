import { chmod, mkdtemp, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InvariantError, utf8, type Store } from '../../src/base/index.ts';
import { diskError } from '../../src/host/disk-error.ts';
import { diskStore, HostError, readKeyFile, writeKeyFile } from '../../src/host/index.ts';

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof HostError ? error.code : String(error);
  }
  return 'nothing thrown';
}

describe('files of a node', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-disk-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  describe('diskStore', () => {
    let store: Store;
    const text = async (name: string): Promise<string | null> => {
      const bytes = await store.read(name);
      return bytes === null ? null : Buffer.from(bytes).toString();
    };
    beforeEach(() => {
      store = diskStore(join(folder, 'node', 'L1'));
    });

    it('reads nothing where nothing was written', async () => {
      expect(await store.read('a')).to.equal(null);
      expect(await store.has('a')).to.equal(false);
      expect(await store.list('')).to.deep.equal([]);
      await store.remove('a');
    });

    it('replaces whole values, and another store of the same folder reads them', async () => {
      await store.write('log/tile/0/x001.p', utf8('long before'));
      await store.write('log/tile/0/x001.p', utf8('short'));
      expect(await text('log/tile/0/x001.p')).to.equal('short');
      store = diskStore(join(folder, 'node', 'L1'));
      expect(await text('log/tile/0/x001.p')).to.equal('short');
      expect(await store.has('log/tile/0/x001.p')).to.equal(true);
      expect(await store.has('log/tile')).to.equal(false);
      await store.remove('log/tile/0/x001.p');
      expect(await store.read('log/tile/0/x001.p')).to.equal(null);
    });

    it('gives a size and a part without the rest', async () => {
      await store.write('blobs/a', utf8('0123456789'));
      expect(await store.size('blobs/a')).to.equal(10);
      const part = async (offset: number, length: number): Promise<string | null> => {
        const bytes = await store.readPart('blobs/a', offset, length);
        return bytes === null ? null : Buffer.from(bytes).toString();
      };
      expect(await part(0, 1)).to.equal('0');
      expect(await part(3, 4)).to.equal('3456');
      expect(await part(8, 4)).to.equal('89');
      expect(await part(10, 4)).to.equal('');
      expect(await store.size('blobs')).to.equal(null);
      await store.remove('blobs/a');
      expect(await store.size('blobs/a')).to.equal(null);
      expect(await part(0, 1)).to.equal(null);
    });

    it('appends in the order of the calls', async () => {
      await Promise.all(['a', 'b', 'c', 'd'].map(async (part) => store.append('wal', utf8(part))));
      expect(await text('wal')).to.equal('abcd');
      await Promise.all([store.write('wal', utf8('x')), store.append('wal', utf8('y'))]);
      expect(await text('wal')).to.equal('xy');
    });

    it('appends to a value as it is by now: replaced, moved, removed, written in parts or by another store', async () => {
      const append = (name: string, more: string): Promise<void> => store.append(name, utf8(more));
      await append('wal', 'a');
      const writer = await store.create('wal');
      await writer.write(utf8('new'));
      await writer.commit();
      await append('wal', 'b');
      expect(await text('wal')).to.equal('newb');
      await store.move('wal', 'old');
      await append('wal', 'c');
      expect([await text('old'), await text('wal')]).to.deep.equal(['newb', 'c']);
      await append('old', 'd');
      await store.move('wal', 'old');
      await append('old', 'e');
      expect(await text('old')).to.equal('ce');
      await store.remove('old');
      await append('old', 'f');
      await store.writePart('old', 0, utf8('g'));
      await append('old', 'h');
      await diskStore(join(folder, 'node', 'L1')).append('old', utf8('i'));
      await append('old', 'j');
      expect(await text('old')).to.equal('ghij');
      // More than stay open.
      const names = Array.from({ length: 40 }, (_, at) => `many/${at}`);
      for (const more of ['1', '2', '3']) {
        await Promise.all(names.map((name) => append(name, more)));
      }
      for (const name of names) expect(await text(name), name).to.equal('123');
    });

    it('takes a large value in pieces, and shows nothing of it before it is whole', async () => {
      await store.write('blobs/a', utf8('old'));
      const writer = await store.create('blobs/a');
      const piece = utf8('01');
      await writer.write(piece);
      piece.fill(0); // what was written stays
      await writer.write(utf8('234'));
      expect(await text('blobs/a')).to.equal('old');
      expect(await store.list('')).to.deep.equal(['blobs/a']);
      await writer.commit();
      expect(await text('blobs/a')).to.equal('01234');
      await writer.discard(); // too late, and without effect
      expect(await text('blobs/a')).to.equal('01234');
      expect(await readdir(join(folder, 'node', 'L1', '.tmp'))).to.deep.equal([]);
    });

    it('takes a value in parts, in any order, with zeros between, and another store goes on with it', async () => {
      await store.writePart('parts/x', 6, utf8('gh'));
      await store.writePart('parts/x', 0, utf8('abc'));
      expect(await store.read('parts/x')).to.deep.equal(utf8('abc\0\0\0gh'));
      const other = diskStore(join(folder, 'node', 'L1'));
      await other.writePart('parts/x', 3, utf8('de'));
      await other.writePart('parts/x', 7, utf8('hi'));
      await other.sync('parts/x');
      await other.sync('parts/absent');
      expect(await store.read('parts/x')).to.deep.equal(utf8('abcde\0ghi'));
      expect(await other.has('parts/absent')).to.equal(false);
      expect(await store.move('parts/x', 'blobs/x')).to.equal(true);
    });

    it('begins a value in parts anew under a name that was moved, removed or replaced, among more than stay open', async () => {
      const names = Array.from({ length: 40 }, (_, at) => `parts/${at}`);
      for (const time of ['a', 'b']) {
        await Promise.all(names.map((name, at) => store.writePart(name, at % 3, utf8(time))));
      }
      for (const [at, name] of names.entries()) {
        expect(await text(name), name).to.equal('\0'.repeat(at % 3) + 'b');
      }
      await store.move('parts/0', 'blobs/0');
      await store.writePart('parts/0', 0, utf8('new'));
      expect(await text('blobs/0')).to.equal('b');
      expect(await text('parts/0')).to.equal('new');
      await store.move('parts/3', 'parts/0');
      await store.writePart('parts/0', 1, utf8('c'));
      expect(await text('parts/0')).to.equal('bc');
      await store.remove('parts/6');
      await store.writePart('parts/6', 0, utf8('d'));
      expect(await text('parts/6')).to.equal('d');
      await store.write('parts/9', utf8('whole'));
      await store.writePart('parts/9', 0, utf8('W'));
      expect(await text('parts/9')).to.equal('Whole');
    });

    it('leaves nothing of a value that was given up', async () => {
      const given = await store.create('blobs/a');
      await given.write(utf8('half'));
      await given.discard();
      await given.discard();
      expect(await store.has('blobs/a')).to.equal(false);
      expect(await readdir(join(folder, 'node', 'L1', '.tmp'))).to.deep.equal([]);
      let problem: unknown;
      await given.write(utf8('more')).catch((error: unknown) => (problem = error));
      expect(problem).to.be.instanceOf(InvariantError);
    });

    it('gives a value another name, also over another value', async () => {
      await store.write('work/average', utf8('new'));
      await store.write('blobs/a', utf8('old'));
      expect(await store.move('work/average', 'blobs/a')).to.equal(true);
      expect(await text('blobs/a')).to.equal('new');
      expect(await store.list('')).to.deep.equal(['blobs/a']);
      await store.move('blobs/a', 'blobs/a');
      expect(await text('blobs/a')).to.equal('new');
      expect(await store.move('work/average', 'blobs/b')).to.equal(false);
      expect(await store.has('blobs/b')).to.equal(false);
      await store.write('b', utf8('b'));
      await store.write('a', utf8('a'));
      // Both wait for both names.
      await Promise.all([store.move('a', 'b'), store.move('b', 'a')]);
    });

    it('lists by prefix, sorted, without its own files', async () => {
      for (const name of ['b/2', 'b/1', 'b-x', 'a', 'b/c/3']) await store.write(name, utf8(name));
      await writeFile(join(folder, 'node', 'L1', '.lock'), 'x');
      expect(await store.list('')).to.deep.equal(['a', 'b-x', 'b/1', 'b/2', 'b/c/3']);
      expect(await store.list('b/')).to.deep.equal(['b/1', 'b/2', 'b/c/3']);
      expect(await store.list('b')).to.deep.equal(['b-x', 'b/1', 'b/2', 'b/c/3']);
      expect(await store.list('b/c/3')).to.deep.equal(['b/c/3']);
      expect(await store.list('c/')).to.deep.equal([]);
    });

    it('clears what a crash in the midst of a write left', async () => {
      await mkdir(join(folder, 'node', 'L1', '.tmp'), { recursive: true });
      await writeFile(join(folder, 'node', 'L1', '.tmp', '1'), 'half');
      await store.write('a', utf8('whole'));
      expect(await text('a')).to.equal('whole');
      expect(await readdir(join(folder, 'node', 'L1', '.tmp'))).to.deep.equal([]);
      expect(await store.list('')).to.deep.equal(['a']);
    });

    it('shares its folder with stores of other threads', async () => {
      const names = Array.from({ length: 20 }, (_, n) => `case/${n}`);
      const others = [1, 2, 3].map(() => diskStore(join(folder, 'node', 'L1')));
      await Promise.all(
        names.flatMap((name) =>
          others.map(async (other, n) => other.write(`${name}-${n}`, utf8(`${name} of ${n}`))),
        ),
      );
      for (const name of names) expect(await text(`${name}-1`)).to.equal(`${name} of 1`);
      expect(await readdir(join(folder, 'node', 'L1', '.tmp'))).to.deep.equal([]);
    });

    it('refuses names that are not plain', async () => {
      const bad = [
        ...['', '.', '..', '../a', 'a/../b', '/a', 'a/', 'a//b', 'a\\b', 'a\0b', 'ä', 'a b'],
        ...['.tmp/1', '.lock', '.lock-takeover', 'x'.repeat(201), 'x/'.repeat(501) + 'x'],
      ];
      for (const name of bad) {
        expect(await codeOf(store.read(name)), `read ${name}`).to.equal('bad_name');
        expect(await codeOf(store.write(name, utf8('x'))), `write ${name}`).to.equal('bad_name');
        expect(await codeOf(store.append(name, utf8('x'))), `append ${name}`).to.equal('bad_name');
        expect(await codeOf(store.remove(name)), `remove ${name}`).to.equal('bad_name');
        expect(await codeOf(store.create(name)), `create ${name}`).to.equal('bad_name');
        expect(await codeOf(store.move('a', name)), `move ${name}`).to.equal('bad_name');
      }
      expect(await codeOf(store.list('../'))).to.equal('bad_name');
    });

    it('does not follow a symbolic link out of its folder', async () => {
      await store.write('a', utf8('x'));
      await writeFile(join(folder, 'secret'), 'secret');
      await symlink(join(folder, 'secret'), join(folder, 'node', 'L1', 'link'));
      expect(await codeOf(store.read('link'))).to.equal('disk_failed');
      expect(await codeOf(store.append('link', utf8('x')))).to.equal('disk_failed');
      expect(await store.list('')).to.deep.equal(['a']);
    });

    it('tells a file in the place of its folder', async () => {
      await writeFile(join(folder, 'file'), 'x');
      const code = await codeOf(diskStore(join(folder, 'file')).write('a', utf8('x')));
      expect(code).to.equal('disk_failed');
    });
  });

  it('gives advice for the errors of a disk', () => {
    const codes: Record<string, string> = {
      ENOSPC: 'disk_full',
      EDQUOT: 'disk_full',
      EROFS: 'disk_read_only',
      EACCES: 'disk_denied',
      EPERM: 'disk_denied',
      EIO: 'disk_failed',
    };
    for (const [errno, code] of Object.entries(codes)) {
      const error = diskError('/x', Object.assign(new Error(errno), { code: errno }));
      expect(error, errno).to.be.instanceOf(HostError).with.property('code', code);
    }
    const other = new TypeError('not of the disk');
    expect(diskError('/x', other)).to.equal(other);
  });

  it('says when the disk is full', async () => {
    // /dev/full refuses every byte; the store reaches it as a value would be reached.
    if (process.platform !== 'linux') return;
    const { withFile, writeAll } = await import('../../src/host/durable-files.ts');
    const { onDisk } = await import('../../src/host/disk-error.ts');
    const work = onDisk('/dev/full', async () =>
      withFile('/dev/full', 1, 0, async (file) => writeAll(file, utf8('x'))),
    );
    expect(await codeOf(work)).to.equal('disk_full');
  });

  describe('key files', () => {
    it('are for their owner only', async () => {
      const path = join(folder, 'keys', 'transport.key');
      await writeKeyFile(path, utf8('secret'));
      expect(Buffer.from(await readKeyFile(path)).toString()).to.equal('secret');
      expect(((await stat(path)).mode & 0o777).toString(8)).to.equal('600');
      expect(await readdir(join(folder, 'keys'))).to.deep.equal(['transport.key']);
    });

    it('are refused when others could read them', async () => {
      const path = join(folder, 'a.key');
      await writeKeyFile(path, utf8('secret'));
      for (const mode of [0o640, 0o604, 0o620, 0o601, 0o644]) {
        await chmod(path, mode);
        expect(await codeOf(readKeyFile(path)), mode.toString(8)).to.equal('key_file_mode');
      }
      await chmod(path, 0o400);
      expect(Buffer.from(await readKeyFile(path)).toString()).to.equal('secret');
    });

    it('are never overwritten', async () => {
      const path = join(folder, 'a.key');
      await writeKeyFile(path, utf8('first'));
      expect(await codeOf(writeKeyFile(path, utf8('second')))).to.equal('key_file_exists');
      expect(Buffer.from(await readKeyFile(path)).toString()).to.equal('first');
      expect(await readdir(folder)).to.deep.equal(['a.key']);
    });

    it('are not taken when absent or huge', async () => {
      expect(await codeOf(readKeyFile(join(folder, 'none')))).to.equal('disk_failed');
      await writeFile(join(folder, 'huge'), Buffer.alloc(65_537), { mode: 0o600 });
      expect(await codeOf(readKeyFile(join(folder, 'huge')))).to.equal('disk_failed');
    });
  });
});
