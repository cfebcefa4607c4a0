/** What the package says of itself, and where people are told to type its name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildProgram } from '../src/cli/program.ts';
import { projectRoot } from './project-root.ts';

const read = (name: string): string => readFileSync(join(projectRoot, name), 'utf8');

interface PackageFile {
  readonly private?: boolean;
  readonly engines: { readonly node: string };
}

describe('the package', () => {
  const file = JSON.parse(read('package.json')) as PackageFile;

  it('cannot be published by mistake', () => {
    expect(file.private).equal(true);
  });

  it('asks for the Node that README names, and for no newer: npm would warn of ourselves', () => {
    const lock = JSON.parse(read('package-lock.json')) as { packages: { '': PackageFile } };
    expect(file.engines.node).equal('>=20');
    expect(lock.packages[''].engines.node).equal(file.engines.node);
    expect(read('README.md')).match(/start it with Node 20\s+or newer/);
  });

  it('lets nobody type npx outside the clone, where the registry would answer for a name that is not ours', async () => {
    const readme = read('README.md');
    const warning = readme.indexOf('Run the commands of this page inside the cloned folder.');
    expect(warning).greaterThan(0);
    // Before the second command: whoever reads on has read it.
    expect(warning).lessThan(readme.split('npx annulus').slice(0, 3).join('npx annulus').length);
    // Pages about other things name the command alone, so that no line can be copied into another folder.
    for (const page of ['config/README.md', 'config/models/README.md', 'CONTRIBUTING.md']) {
      expect(read(page), page).not.contain('npx annulus');
    }
    const world = {
      ...{ out: () => undefined, err: () => undefined, erase: () => undefined },
      ...{ isLive: false, columns: 100, nowMs: () => 0, signal: new AbortController().signal },
      ...{ dateMs: () => 0, env: {}, terminal: null },
      mainJob: () => Promise.reject(new Error('not asked')),
      reproduce: () => Promise.reject(new Error('not asked')),
      predict: () => Promise.reject(new Error('not asked')),
    };
    let shown = '';
    const program = await buildProgram(
      { ...world, out: (text) => (shown += text) },
      () => undefined,
    );
    program.outputHelp();
    expect(shown).contain(
      'In the cloned folder, type "npx annulus" for "annulus"; in other folders',
    );
    shown = shown.replace('"npx annulus"', '');
    for (const command of program.commands.flatMap((one) => [one, ...one.commands])) {
      command.outputHelp();
    }
    expect(shown).not.contain('npx');
  });
});
