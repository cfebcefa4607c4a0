import { expect } from 'chai';
import { printableLine, printableText } from '../../src/base/index.ts';

describe('text from outside', () => {
  // Unicode's categories Cc, Zl, Zp, and the property Bidi_Control, as the engine's own tables have them.
  const obeyed = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

  it('is printed with everything escaped that a terminal obeys, and nothing else', () => {
    for (let code = 0; code < 0x1_0000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCharCode(code);
      const line = printableLine(`a${character}b`);
      if (obeyed.test(character)) expect(line, code.toString(16)).match(/^a\\[a-z0-9]+b$/);
      else if (line !== `a${character}b`) expect.fail(`${code.toString(16)} was escaped`);
    }
  });

  it('says what it was, as JSON would', () => {
    const name = 'a\u001b[2K\r\nb\u0007\u202etxt.\u009b1m';
    expect(JSON.parse(`"${printableLine(name)}"`)).equal(name);
    const document = JSON.stringify({ name });
    expect(printableText(document)).match(/^[\x20-\x7e]+$/);
    expect(JSON.parse(printableText(document))).deep.equal({ name });
  });

  it('keeps the line feeds of a text, which are our own', () => {
    expect(printableText('a\nb\r')).equal('a\nb\\r');
  });
});
