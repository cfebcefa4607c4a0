import { expect } from 'chai';
import { preflightText } from '../../src/cli/node/preflight-command.ts';
import type { Finding } from '../../src/node/index.ts';

const fine: Finding = {
  ...{ check: 'clock', subject: 'this machine', outcome: 'ok', found: 'right', remedy: null },
};
const wrong: Finding = {
  ...{ check: 'rights', subject: '/srv/annulus', outcome: 'fail' },
  ...{ found: 'mode 0755: others could read it', remedy: 'chmod go-rwx /srv/annulus' },
};
const warned: Finding = { ...wrong, check: 'member', subject: 'L3', outcome: 'warn' };

describe('the table of a preflight', () => {
  it('has a line for each check, what to do below it, and a verdict', () => {
    const text = preflightText({ outcome: 'fail', findings: [fine, wrong, warned] }, 100);
    expect(text).equal(`ok    clock     this machine: right
FAIL  rights    /srv/annulus: mode 0755: others could read it
                  do: chmod go-rwx /srv/annulus
WARN  member    L3: mode 0755: others could read it
                  do: chmod go-rwx /srv/annulus

Not ready: mend what FAILs, the first one first; warnings can wait.
`);
  });

  it('says that a node is ready, with or without warnings', () => {
    expect(preflightText({ outcome: 'ok', findings: [fine] }, 80)).match(/\nReady\.\n$/);
    const text = preflightText({ outcome: 'warn', findings: [fine, warned] }, 80);
    expect(text).match(/\nReady, with warnings\.\n$/);
  });

  it('fits a narrow terminal, and moves no cursor', () => {
    const found = `${'word '.repeat(30)}\u001b[2J`;
    const text = preflightText({ outcome: 'ok', findings: [{ ...fine, found }] }, 60);
    for (const line of text.split('\n')) expect(line.length, line).at.most(60);
    expect(text).not.contain('\u001b');
  });
});
