import { expect } from 'chai';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { folderBytes, listenFault, modesBelow, syncTrialMs } from '../../src/host/index.ts';

describe('trials of this machine', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-trials-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('time a write that is on the disk, and leave nothing behind', async () => {
    expect(await syncTrialMs(folder)).to.be.greaterThan(0);
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it('say that there is no folder to write to', async () => {
    const error: unknown = await syncTrialMs(join(folder, 'none')).catch((e: unknown) => e);
    expect(error).to.have.property('code', 'disk_failed');
  });

  it('tell a free port from a taken one and an address of another machine', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      expect(await listenFault('127.0.0.1', port)).to.equal('another program listens on it');
      expect(await listenFault('192.0.2.1', 4501)).to.contain('does not have that address');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
    expect(await listenFault('127.0.0.1', port)).to.equal(null);
  });

  it('find the rights of everything in a folder, up to a number', async () => {
    await mkdir(join(folder, 'keys'), { mode: 0o700 });
    await writeFile(join(folder, 'keys', 'one.key'), 'x', { mode: 0o600 });
    await chmod(join(folder, 'keys', 'one.key'), 0o644);
    const modes = (await modesBelow(folder, 10)).map(({ mode }) => (mode & 0o777).toString(8));
    expect(modes).to.deep.equal(['700', '700', '644']);
    expect(await modesBelow(folder, 2)).to.have.length(2);
  });

  it('find the rights of a folder in which files and folders come and go', async () => {
    await writeFile(join(folder, 'stays'), 'x', { mode: 0o600 });
    let isOver = false;
    const busy = async (name: string): Promise<void> => {
      while (!isOver) {
        await mkdir(join(folder, name));
        await writeFile(join(folder, name, 'blob'), 'x');
        await rm(join(folder, name), { recursive: true });
      }
    };
    const coming = ['one', 'two', 'three'].map(busy);
    try {
      for (let look = 0; look < 300; look++) {
        const paths = (await modesBelow(folder, 100)).map(({ path }) => path);
        expect(paths).to.include(join(folder, 'stays'));
        // The one that stays has a byte, the three that come and go another one each.
        expect(await folderBytes(folder)).to.be.within(1, 4);
      }
    } finally {
      isOver = true;
      await Promise.all(coming);
    }
  });
});
