import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { utf8 } from '../../src/base/index.ts';
import { HostError, replacePrivateFolder } from '../../src/host/index.ts';

describe('replacePrivateFolder', () => {
  let top = '';
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'annulus-replaced-'));
  });
  afterEach(() => {
    rmSync(top, { recursive: true });
  });
  const write = (...names: string[]): Promise<void> =>
    replacePrivateFolder(join(top, 'model'), new Map(names.map((name) => [name, utf8(name)])));

  it("makes the folder, its owner's alone, and then another in its place", async () => {
    await write('one', 'two');
    expect(readFileSync(join(top, 'model/one'), 'utf8')).equal('one');
    if (process.platform !== 'win32')
      expect(statSync(join(top, 'model')).mode & 0o777).equal(0o700);
    await write('three');
    expect(readdirSync(join(top, 'model'))).deep.equal(['three']);
    expect(readdirSync(top), 'nothing beside it').deep.equal(['model']);
  });

  it('goes over what a crash left beside it', async () => {
    writeFileSync(join(top, '.model.new'), 'a file');
    await write('one');
    expect(readdirSync(top)).deep.equal(['model']);
  });

  it('leaves the old folder when the new one cannot be written', async () => {
    await write('one');
    // A file cannot be a folder too.
    const failed = await write('file', 'file/in').catch((error: unknown) => error);
    expect(failed).instanceOf(HostError);
    expect(readdirSync(join(top, 'model'))).deep.equal(['one']);
    expect(readdirSync(top)).deep.equal(['model']);
  });
});
