/** The unit and the container file that ship: every word of ours in them is one that the program knows. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect } from 'chai';
import { buildProgram } from '../../src/cli/program.ts';
import type { World } from '../../src/cli/world.ts';
import { projectRoot } from '../project-root.ts';

const read = (name: string): string =>
  readFileSync(join(projectRoot, 'config/deploy', name), 'utf8');
const silent: World = {
  ...{ out: () => undefined, err: () => undefined, erase: () => undefined },
  ...{ isLive: false, columns: 100, nowMs: () => 0, dateMs: () => 0, env: {}, terminal: null },
  signal: new AbortController().signal,
  mainJob: () => Promise.reject(new Error('not asked')),
  reproduce: () => Promise.reject(new Error('not asked')),
  predict: () => Promise.reject(new Error('not asked')),
};

/** Flags of the command that words begin with, and the words. */
async function knownWords(words: readonly string[]): Promise<void> {
  const [name = '', ...flags] = words;
  const program: Command = await buildProgram(silent, () => undefined);
  const command = program.commands.find((one) => one.name() === name);
  expect(command?.name()).equal(name);
  const known = command!.options.map(({ long }) => long);
  for (const flag of flags.filter((word) => word.startsWith('--'))) expect(known).include(flag);
}

/** Values by key, all sections together; a key may come more than once. */
function settingsOf(unit: string): Map<string, string> {
  const lines = unit.split('\n').filter((line) => line !== '' && !/^[#[]/.test(line));
  return new Map(lines.map((line) => line.split(/=(.*)/, 2) as [string, string]));
}

describe('the unit for systemd', () => {
  const unit = read('annulus.service');
  const settings = settingsOf(unit);

  it('starts the node as the program knows it, and lets its words through', async () => {
    const [path, ...words] = settings.get('ExecStart')!.split(' ');
    expect(path).match(/\/bin\/annulus\.js$/);
    await knownWords(words);
    expect(settings.get('Type')).equal('notify');
    // systemd-notify is a child of the node.
    expect(settings.get('NotifyAccess')).equal('all');
    expect(Number(settings.get('WatchdogSec'))).greaterThan(0);
  });

  it('does not start again what a person must put right', () => {
    // src/cli/errors.ts: 2 is wrong input.
    expect(settings.get('RestartPreventExitStatus')).equal('2');
    expect(settings.get('Restart')).equal('on-failure');
  });

  it('gives the passphrase as the credential that the program looks for', () => {
    const [name] = settings.get('LoadCredentialEncrypted')!.split(':');
    const source = readFileSync(join(projectRoot, 'src/cli/passphrase.ts'), 'utf8');
    expect(source).contain(`credential: '${name!}'`);
  });

  it("is found right by systemd's own check", function () {
    if (spawnSync('systemd-analyze', ['--version']).error !== undefined) this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'annulus-unit-'));
    const file = join(folder, 'annulus.service');
    // The program need not be installed here.
    writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file]);
    rmSync(folder, { recursive: true });
    const about = stderr
      .toString()
      .split('\n')
      .filter((line) => line.includes('annulus'));
    expect([status, about]).deep.equal([0, []]);
  });
});

describe('the container file', () => {
  const lines = read('Containerfile')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

  it('has only instructions that there are', () => {
    const known =
      /^(FROM|WORKDIR|COPY|RUN|USER|ENV|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD) /;
    expect(lines.filter((line) => !known.test(line))).deep.equal([]);
  });

  it('holds the files of the package, what they import, and no tool that built them', () => {
    const steps = of('RUN')[0]!.split(' && ');
    expect(steps.slice(0, 3)).deep.equal([
      ...['npm ci', 'npm pack --ignore-scripts', 'tar -xzf annulus-*.tgz'],
    ]);
    expect(steps.at(-1)).equal('mv node_modules package/');
    expect(of('COPY')).deep.equal(['. .', '--from=build /build/package /opt/annulus']);
  });

  it('is built from the sources alone, whatever else lies in the checkout', () => {
    const [first, ...others] = readFileSync(join(projectRoot, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).equal('*');
    const taken = others.map((line) => /^!([\w.-]+)$/.exec(line)?.[1] ?? `not understood: ${line}`);
    const { files } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      files: string[];
    };
    // Made by the build.
    const shipped = files.filter((name) => !/^(dist|build)\//.test(name));
    const built = [
      '.npmrc',
      'package-lock.json',
      'package.json',
      'scripts',
      'src',
      'tsconfig.json',
    ];
    expect(taken.sort()).deep.equal([...shipped, ...built].sort());
    for (const name of taken) expect(existsSync(join(projectRoot, name)), name).equal(true);
  });

  it('starts a node, asks for its health, and runs as nobody in particular', async () => {
    const words = (text: string): string[] => JSON.parse(text) as string[];
    await knownWords(words(of('CMD')[0]!));
    const health = /CMD (\[.*\])$/.exec(of('HEALTHCHECK')[0]!)![1]!;
    const [program, ...asked] = words(health);
    expect([program]).deep.equal(words(of('ENTRYPOINT')[0]!));
    expect(of('RUN').join()).contain(
      `ln -s /opt/annulus/bin/annulus.js /usr/local/bin/${program!}`,
    );
    await knownWords(asked);
    expect(of('USER')).deep.equal(['annulus']);
    expect(of('STOPSIGNAL')).deep.equal(['SIGTERM']);
  });

  it('has its home inside the volume, since a mount point cannot be put there whole', () => {
    const [volume = ''] = of('VOLUME');
    expect(of('ENV')[0]).equal(`ANNULUS_HOME=${volume}/home`);
    expect(of('RUN').join()).contain(`install -d -m 0700 -o annulus -g annulus ${volume} `);
  });
});
