/** The log as read by golang.org/x/mod/sumdb, the library behind Go's own checksum database. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { fromUtf8, utf8 } from '../../src/base/index.ts';
import { inclusionPath } from '../../src/audit/log-entries.ts';
import { checkpointName } from '../../src/audit/log-files.ts';
import { formatProof } from '../../src/audit/tlog-proof.ts';
import { examineLog } from '../../src/audit/verify-log-directory.ts';
import { directoryOf, makeSampleLog, type LogFiles } from '../audit/sample-log.ts';
import { projectRoot } from '../project-root.ts';

const bundle = 'tile/entries/000.p/22';

describe('a log checked by sumdb of Go', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-sumdb-'));
  const program = join(folder, 'check');
  let files: LogFiles;
  let runs = 0;

  before(async function () {
    this.timeout(120_000);
    const built = spawnSync('go', ['build', '-o', program, 'check_log.go'], {
      cwd: join(projectRoot, 'verify'),
      encoding: 'utf8',
      env: {
        ...process.env,
        ...{ GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: join(folder, 'cache') },
      },
    });
    const needs = "this test needs Debian's golang-go and golang-golang-x-mod-dev";
    expect(built.status, `${needs}: ${built.error?.message ?? built.stderr}`).equal(0);
    ({ files } = await makeSampleLog());
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** @returns what it said, or null when it refused */
  const checked = (changed: LogFiles, proof?: { entry: Uint8Array; text: Uint8Array }) => {
    const place = join(folder, `log-${(runs += 1)}`);
    const all: [string, Uint8Array][] = [...changed];
    if (proof !== undefined) all.push(['entry', proof.entry], ['proof', proof.text]);
    for (const [name, bytes] of all) {
      mkdirSync(dirname(join(place, name)), { recursive: true });
      writeFileSync(join(place, name), bytes);
    }
    const more = proof === undefined ? [] : [join(place, 'entry'), join(place, 'proof')];
    const { status, stdout } = spawnSync(program, [place, ...more], { encoding: 'utf8' });
    return status === 0 ? stdout : null;
  };
  const withFlip = (name: string, bit: number): LogFiles => {
    const bytes = (files.get(name) ?? new Uint8Array()).slice();
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    return new Map([...files, [name, bytes]]);
  };

  it('has the root, and every tree before is the beginning of the last', async () => {
    const { verdict, bodies } = await examineLog(directoryOf(files));
    expect(checked(files)).equal(
      `size ${verdict.treeSize}\nroot ${verdict.root ?? ''}\n${bodies.length} earlier trees are beginnings of it\n`,
    );
  });

  it('is refused for a bit of an entry, of the signed text or of the signature of the log', () => {
    const { byteLength } = files.get(bundle) ?? new Uint8Array();
    expect(byteLength).above(0);
    for (let i = 0; i < 40; i++) {
      const bit = Math.floor(((i + 0.5) / 40) * byteLength * 8);
      expect(checked(withFlip(bundle, bit)), `bit ${bit} of the bundle`).equal(null);
    }
    const text = fromUtf8(files.get(checkpointName) ?? new Uint8Array());
    const signed = utf8(text.slice(0, text.indexOf('\n— L1/witness'))).byteLength;
    for (let i = 0; i < 20; i++) {
      // The last character of base64 holds two bits that mean nothing.
      const bit = Math.floor((i / 20) * (signed - 4) * 8);
      expect(checked(withFlip(checkpointName, bit)), `bit ${bit} of the checkpoint`).equal(null);
    }
  });

  it('is refused with cosignatures of fewer than a quorum', () => {
    const lines = fromUtf8(files.get(checkpointName) ?? new Uint8Array()).split('\n');
    const fewer = lines.filter((line) => !/L[12]\/witness/.test(line)).join('\n');
    expect(checked(new Map([...files, [checkpointName, utf8(fewer)]]))).equal(null);
  });

  it('holds the entry of our .tlog-proof, and not another', async () => {
    const log = await examineLog(directoryOf(files));
    const entry = await log.entries.at(9);
    const path = inclusionPath(log, 9, log.verdict.treeSize);
    const checkpoint = files.get(checkpointName);
    if (entry == null || path === null || checkpoint === undefined) throw new Error('a sound log');
    const text = formatProof({ index: 9, hashes: path.hashes, checkpoint });
    expect(checked(files, { entry, text })).match(/entry 9 is in the tree\n$/);
    const other = (await log.entries.at(8)) ?? new Uint8Array();
    expect(checked(files, { entry: other, text })).equal(null);
  });
});
