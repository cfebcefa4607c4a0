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

  it('takes along all that the package is made of', () => {
    const copied = of('COPY').flatMap((line) => {
      const path = /^--from=build \/opt\/annulus\/(\S+) /.exec(line)?.[1];
      return path === undefined ? [] : [path];
    });
    const { files } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      files: string[];
    };
    const needed = files.filter((name) => !['python', 'LICENSE', 'README.md'].includes(name));
    for (const name of ['package.json', 'node_modules', ...needed]) {
      expect(
        copied.some((path) => name === path || name.startsWith(`${path}/`)),
        name,
      ).equal(true);
    }
    for (const path of copied) {
      if (path !== 'node_modules') expect(existsSync(join(projectRoot, path)), path).equal(true);
    }
  });

  it('starts a node, asks for its health, and runs as nobody in particular', async () => {
    const words = (text: string): string[] => JSON.parse(text) as string[];
    await knownWords(words(of('CMD')[0]!));
    const health = /CMD (\[.*\])$/.exec(of('HEALTHCHECK')[0]!)![1]!;
    const [node, program, ...asked] = words(health);
    expect([node, program]).deep.equal(words(of('ENTRYPOINT')[0]!));
    await knownWords(asked);
    expect(of('USER')).deep.equal(['annulus']);
    expect(of('STOPSIGNAL')).deep.equal(['SIGTERM']);
  });
});
