import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { expect } from 'chai';
import { CryptoError } from '../../src/crypto/index.ts';
import { CliError } from '../../src/cli/errors.ts';
import {
  openWithPassphrase,
  passphraseToMake,
  passphraseToOpen,
} from '../../src/cli/passphrase.ts';
import { openTerminal } from '../../src/cli/terminal.ts';
import type { World } from '../../src/cli/world.ts';
import { answering, type Circumstances } from './membership/hospitals.ts';

describe('a passphrase', () => {
  const folder = mkdtempSync(join(tmpdir(), 'annulus-passphrase-'));
  const at = (name: string): string => join(folder, name);
  after(() => {
    rmSync(folder, { recursive: true });
  });
  let said = '';
  const world = ({ env = {}, terminal }: Circumstances): World => {
    const nobody = (): Promise<never> => Promise.reject(new Error('not asked'));
    said = '';
    return {
      ...{ out: (text) => (said += text), err: (text) => (said += text), erase: () => undefined },
      ...{ isLive: false, columns: 100, nowMs: () => 0, signal: new AbortController().signal },
      ...{ dateMs: () => 0, env, terminal: terminal ?? null },
      ...{ mainJob: nobody, reproduce: nobody, predict: nobody },
    };
  };
  const file = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(at(name), text, { mode });
    chmodSync(at(name), mode);
    return at(name);
  };

  it('comes from the flag, the file of the environment, the environment, systemd, or a question, in this order', async () => {
    mkdirSync(at('credentials'));
    file('credentials/annulus-passphrase', 'from systemd it is');
    const env: Record<string, string> = {
      ANNULUS_PASSPHRASE_FILE: file('b', 'from its file\r\nmore\n'),
      ANNULUS_PASSPHRASE: 'from the environment',
      CREDENTIALS_DIRECTORY: at('credentials'),
    };
    const terminal = answering('from the person');
    const open = (flags: object): Promise<string> =>
      passphraseToOpen('node', flags, world({ env, terminal }));
    expect(await open({ passphraseFile: file('a', 'from the flag\n') })).to.equal('from the flag');
    expect(await open({})).to.equal('from its file');
    delete env.ANNULUS_PASSPHRASE_FILE;
    expect(await open({})).to.equal('from the environment');
    delete env.ANNULUS_PASSPHRASE;
    expect(await open({})).to.equal('from systemd it is');
    delete env.CREDENTIALS_DIRECTORY;
    expect(await open({})).to.equal('from the person');
    expect(terminal.asked).to.deep.equal(["Passphrase of the node's keys: "]);
  });

  it("of the organisation's key is never that of the node", async () => {
    const env = { ANNULUS_PASSPHRASE: 'of the node', ANNULUS_ORG_PASSPHRASE: 'of the org' };
    expect(await passphraseToOpen('org', {}, world({ env }))).to.equal('of the org');
    expect(await passphraseToOpen('node', {}, world({ env }))).to.equal('of the node');
  });

  it('that is typed wrong can be typed again, twice; one from a file cannot', async () => {
    const tried: string[] = [];
    const open = (passphrase: string): string => {
      tried.push(passphrase);
      if (passphrase === 'right') return 'opened';
      throw new CryptoError({ code: 'wrong_passphrase' }, 'wrong');
    };
    const asked = (around: Circumstances): Promise<unknown> =>
      openWithPassphrase('org', 'L1-org.key', {}, world(around), open).catch(
        (error: unknown) => (error as Error).message,
      );
    expect(await asked({ terminal: answering('a', 'b', 'right') })).to.equal('opened');
    expect(tried.splice(0)).to.deep.equal(['a', 'b', 'right']);
    expect(await asked({ terminal: answering('a', 'b', 'c', 'right') })).to.contain(
      'L1-org.key: the passphrase does not open it',
    );
    expect(tried.splice(0)).to.deep.equal(['a', 'b', 'c']);
    const env = { ANNULUS_ORG_PASSPHRASE: 'a' };
    expect(await asked({ env, terminal: answering('right') })).to.contain('does not open it');
    expect(tried).to.deep.equal(['a']);
  });

  it('of new keys is asked twice, has 12 characters, and can be left out by a flag', async () => {
    const make = (answers: string[], flags = {}): Promise<string | null> =>
      passphraseToMake('node', flags, world({ terminal: answering(...answers) }));
    expect(await make(['twelve chars', 'twelve chars'])).to.equal('twelve chars');
    const refused = async (answers: string[], words: string): Promise<void> => {
      const error = await make(answers).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(CliError);
      expect((error as CliError).message).to.contain(words);
    };
    const short = 'eleven char';
    const again = ['twelve chars', 'twelve charz'];
    expect(await make([short, ...again, 'twelve chars', 'twelve chars'])).to.equal('twelve chars');
    expect(said).to.contain('11 characters: expected at least 12').and.contain('differ');
    expect(said).to.not.contain('twelve char');
    await refused([short, short, short], '11 characters: expected at least 12');
    await refused(
      [...again, ...again, ...again],
      'the two passphrases differ; nothing was written',
    );
    const given = { env: { ANNULUS_PASSPHRASE: short }, terminal: answering(...again) };
    const error = await passphraseToMake('node', {}, world(given)).catch((why: unknown) => why);
    expect(String(error)).to.contain('11 characters: expected at least 12');
    expect(await make([], { passphrase: false })).to.equal(null);
  });

  it('is refused when its file is missing, empty or no text, and told of when all can read it', async () => {
    const open = (passphraseFile: string): Promise<unknown> =>
      passphraseToOpen('node', { passphraseFile }, world({})).catch((error: unknown) => error);
    expect(String(await open(at('none')))).to.contain('no such file');
    expect(String(await open(file('empty', '\nsecond')))).to.contain('first line, which is empty');
    writeFileSync(at('bytes'), Uint8Array.of(0xff, 0xfe, 0xff));
    expect(String(await open(at('bytes')))).to.contain('in UTF-8');
    expect(await open(file('loose', 'word', 0o644))).to.equal('word');
    expect(said).to.contain('chmod 600').and.not.contain('word');
    const error = await passphraseToOpen('node', {}, world({})).catch((reason: unknown) => reason);
    expect(String(error)).to.contain('--passphrase-file FILE, ANNULUS_PASSPHRASE_FILE');
  });
});

describe('a question at the terminal', () => {
  /** A terminal, what it was told about being raw, and what stood on it. */
  function opened(): {
    ask: (isSecret: boolean) => Promise<string>;
    type: (text: string) => void;
    shown: () => string;
    raw: boolean[];
  } {
    const raw: boolean[] = [];
    let shown = '';
    const input = Object.assign(new PassThrough(), {
      setRawMode: (isRaw: boolean) => raw.push(isRaw),
    });
    const terminal = openTerminal(input as unknown as ReadStream, (text) => (shown += text));
    return {
      raw,
      shown: () => shown,
      ask: (isSecret) => terminal.ask('What? ', isSecret),
      type: (text) => input.write(text),
    };
  }

  it('shows nothing of a secret, and everything of what is none', async () => {
    const { ask, type, shown, raw } = opened();
    const secret = ask(true);
    type('open ses');
    type('ame\r');
    expect(await secret).to.equal('open sesame');
    expect(shown()).to.equal('What? \n');
    const seen = ask(false);
    type('yes\n');
    expect(await seen).to.equal('yes');
    expect(shown()).to.equal('What? \nWhat? yes\n');
    expect(raw).to.deep.equal([true, false, true, false]);
  });

  it('obeys backspace and Ctrl-U, and passes over other controls', async () => {
    const { ask, type } = opened();
    const answer = ask(true);
    type('wrong\u0015abd\u007fc\u001b\u0007é€\n');
    expect(await answer).to.equal('abcé€');
  });

  it('ends on Ctrl-C as a command that was interrupted, and leaves the terminal as it was', async () => {
    const { ask, type, raw } = opened();
    const answer = ask(true).catch((error: unknown) => error);
    type('half\u0003');
    const error = await answer;
    expect(error).to.be.instanceOf(CliError);
    expect((error as CliError).facts).to.deep.equal({ code: 'stopped', exitCode: 130 });
    expect(raw).to.deep.equal([true, false]);
    const closed = ask(true).catch((reason: unknown) => reason);
    type('\u0004');
    expect(String(await closed)).to.contain('closed before an answer');
  });
});
