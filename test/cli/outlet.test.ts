import { PassThrough, Writable } from 'node:stream';
import { expect } from 'chai';
import { Outlet } from '../../src/cli/outlet.ts';

/** A stream whose every write fails with this code. */
function failing(code: string): { stream: Writable; tries: () => number } {
  let tries = 0;
  const stream = new Writable({
    // As standard output, which outlives its errors.
    autoDestroy: false,
    write: (_, __, done) => {
      tries += 1;
      done(Object.assign(new Error(`${code}: write`), { code }));
    },
  });
  return { stream, tries: () => tries };
}

describe('standard output', () => {
  it('moves the cursor for the program, and for no text', async () => {
    const stream = new PassThrough();
    const outlet = new Outlet(stream);
    outlet.write('a case\u001b[2A\u001b[0J\n');
    outlet.erase(0);
    outlet.erase(3);
    await outlet.flushed();
    // ECMA-48: CSI n A goes up n rows, CSI 0 J erases from the cursor to the end.
    expect(String(stream.read())).equal(
      'a case\\u001b[2A\\u001b[0J\n\r\u001b[0J\r\u001b[3A\u001b[0J',
    );
  });

  for (const code of ['EPIPE', 'EIO']) {
    it(`whose reader went away (${code}) is written to no more, and nothing was lost`, async () => {
      const { stream, tries } = failing(code);
      const outlet = new Outlet(stream);
      outlet.write('one\n');
      await outlet.flushed();
      outlet.write('two\n');
      await outlet.flushed();
      expect(outlet.fault).equal(null);
      expect(tries()).lessThan(3);
    });
  }

  it('that a full disk did not take says so', async () => {
    const outlet = new Outlet(failing('ENOSPC').stream);
    outlet.write('the result\n');
    await outlet.flushed();
    expect(outlet.fault).have.property('code', 'ENOSPC');
  });
});
