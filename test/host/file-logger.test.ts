import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fileLogger } from '../../src/host/index.ts';
import { pass } from '../network/libp2p-cluster.ts';

describe('fileLogger', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'annulus-log-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('keeps the newest lines in so many files of so many bytes, in their order', async () => {
    const path = join(folder, 'node', 'peer.log');
    const logger = fileLogger(path, 'info', { fileBytesMax: 4_096, filesMax: 3 });
    // A line has at least 24 bytes of time: 2 000 of them are more than four times what may stay.
    for (let n = 0; n < 2_000; n++) {
      logger.log('info', 'a line', { n });
      logger.log('debug', 'not this one');
      if (n % 50 === 0) await pass(5);
    }
    await pass(50);
    logger.close();
    await pass(50);
    const names = (await readdir(join(folder, 'node'))).sort();
    expect(names).to.deep.equal(['peer.log', 'peer.log.1', 'peer.log.2']);
    let text = '';
    for (const name of names.reverse()) {
      const file = join(folder, 'node', name);
      expect((await stat(file)).size, name).to.be.at.most(4_096);
      text += await readFile(file, 'utf8');
    }
    const numbers = [...text.matchAll(/n=(\d+)$/gm)].map(([, n]) => Number(n));
    expect(numbers.at(-1)).to.equal(1_999);
    expect(numbers).to.deep.equal(numbers.map((_, at) => 2_000 - numbers.length + at));
    expect(text).not.to.contain('not this one');
  });

  it('goes on with the file that it finds, and with no other file beside it', async () => {
    const path = join(folder, 'peer.log');
    await writeFile(path, `${'x'.repeat(4_000)}\n`);
    const logger = fileLogger(path, 'info', { fileBytesMax: 4_096, filesMax: 1 });
    logger.log('info', 'short');
    await pass(50);
    expect((await stat(path)).size).to.be.within(4_002, 4_096);
    logger.log('info', 'another one that is too long for what is left', { of: 'x'.repeat(40) });
    logger.close();
    await pass(50);
    expect(await readdir(folder)).to.deep.equal(['peer.log']);
    expect(await readFile(path, 'utf8')).to.match(/^\S+ info {2}another one .*\n$/);
  });
});
