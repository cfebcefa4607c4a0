import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { strToU8, zipSync, type Zippable } from 'fflate';
import { HostError, openFileSet } from '../../src/host/index.ts';

describe('a set of files', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'annulus-files-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const zipOf = (files: Zippable, change?: (bytes: Uint8Array) => void): string => {
    const bytes = zipSync(files);
    change?.(bytes);
    const path = join(folder, 'export.zip');
    writeFileSync(path, bytes);
    return path;
  };
  const problemOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => {
        expect(error).instanceof(HostError);
        return String(error);
      },
    );

  it('has the files of a folder and those below it in the order of their names, but no hidden ones', async () => {
    mkdirSync(join(folder, 'b'));
    for (const name of ['z', 'b/1', 'b/0', '.hidden']) writeFileSync(join(folder, name), name);
    symlinkSync(folder, join(folder, 'circle'));
    const set = await openFileSet(folder);
    expect(set.files.map(({ name }) => name)).deep.equal(['b/0', 'b/1', 'z']);
    expect(Buffer.from(await set.files[1]!.read()).toString()).equal('b/1');
    await set.close();
  });

  it('has the entries of a ZIP, told by its content, and reads them in any order', async () => {
    const path = zipOf({
      'a/two': strToU8('two'),
      'a/one': [strToU8('one'), { level: 0 }],
      '__MACOSX/x': strToU8('x'),
    });
    const set = await openFileSet(path);
    expect(set.files.map(({ name }) => name)).deep.equal(['a/one', 'a/two']);
    expect(Buffer.from(await set.files[1]!.read()).toString()).equal('two');
    expect(Buffer.from(await set.files[0]!.read()).toString()).equal('one');
    expect(Buffer.from(await set.files[1]!.read()).toString()).equal('two');
    await set.close();
  });

  it('is a single file where the path is one', async () => {
    writeFileSync(join(folder, 'one.dcm'), 'x');
    const set = await openFileSet(join(folder, 'one.dcm'));
    expect(set.files.map(({ name }) => name)).deep.equal(['one.dcm']);
  });

  it('refuses a ZIP that leads out of itself', async () => {
    expect(await problemOf(openFileSet(zipOf({ '../evil': strToU8('x') })))).match(
      /leads out of it/,
    );
    expect(await problemOf(openFileSet(zipOf({ '/etc/evil': strToU8('x') })))).match(
      /leads out of it/,
    );
  });

  it('refuses a ZIP that is made to fill memory', async () => {
    const path = zipOf({ bomb: new Uint8Array(20_000_000) });
    expect(await problemOf(openFileSet(path))).match(/made to fill memory/);
  });

  it('refuses a ZIP that is cut, and a file in it that is damaged', async () => {
    const path = zipOf({ one: [new Uint8Array(1000).fill(7), { level: 0 }] });
    writeFileSync(join(folder, 'cut.zip'), zipSync({ one: strToU8('one') }).slice(0, 60));
    expect(await problemOf(openFileSet(join(folder, 'cut.zip')))).match(/damaged/);
    const damaged = zipOf({ one: [new Uint8Array(1000).fill(7), { level: 0 }] }, (bytes) => {
      bytes[500] = 8;
    });
    expect(damaged).equal(path);
    const set = await openFileSet(path);
    expect(await problemOf(set.files[0]!.read())).match(/damaged file in it/);
    await set.close();
  });

  it('refuses a ZIP with a password', async () => {
    // Bit 0 of the flags, in the central directory's header.
    const path = zipOf({ one: strToU8('one') }, (bytes) => {
      const at = Buffer.from(bytes).indexOf('PK\u0001\u0002');
      bytes[at + 8] = 1;
    });
    expect(await problemOf(openFileSet(path))).match(/without a password/);
  });
});
