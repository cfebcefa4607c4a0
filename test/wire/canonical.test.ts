import { expect } from 'chai';
import fc from 'fast-check';

import { fromUtf8, hex, InvariantError, utf8 } from '../../src/base/index.ts';
import { decodeStrict, encodeCanonical, WireError, type Json } from '../../src/wire/index.ts';

const limits = { maxBytes: 1000 };
const textOf = (value: Json | object): string => fromUtf8(encodeCanonical(value));

function codeOf(
  bytes: Uint8Array,
  withLimits: Parameters<typeof decodeStrict>[1] = limits,
): string {
  try {
    decodeStrict(bytes, withLimits);
    return 'accepted';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

describe('canonical JSON', () => {
  it('sorts keys as RFC 8785, 3.2.3, does', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const values = Object.values(JSON.parse(textOf(value)) as object);
    // The order the RFC states. (Parsing moves the key "1" to the front; here it is second.)
    const expected = [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ];
    const places = expected.map((text) => textOf(value).indexOf(text));
    expect(places).to.deep.equal([...places].sort((a, b) => a - b));
    expect(values).to.have.members(expected);
  });

  it('writes the text of RFC 8785, 3.2.4, as its bytes', () => {
    // The example without its fractions; bytes from the RFC's dump.
    const value = { string: '\u20ac$\u000f\nA\'B"\\\\"/', literals: [null, true, false] };
    expect(hex(encodeCanonical(value))).to.equal(
      '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c' +
        '22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d',
    );
  });

  it('writes integers plainly', () => {
    const edge = Number.MAX_SAFE_INTEGER;
    expect(textOf([0, -1, edge, -edge])).to.equal('[0,-1,9007199254740991,-9007199254740991]');
  });

  it('refuses to write what has no canonical form here', () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    const bad: unknown[] = [0.5, NaN, Infinity, -0, 2 ** 53, undefined, 1n, '\ud800'];
    bad.push(new Date(0), new Map(), new Uint8Array(1), () => 1, { a: undefined }, Symbol('x'));
    bad.push(JSON.parse('{"__proto__":1}'), { constructor: 1 }, { '\udc00': 1 });
    for (const value of bad) {
      expect(() => encodeCanonical([value as Json]), typeof value).to.throw(InvariantError);
    }
  });

  it('reads back what it wrote', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)),
      fc.boolean(),
      fc.constant(null),
    );
    const name = fc
      .string({ unit: 'binary' })
      .filter((key) => !/^(__proto__|constructor|prototype)$/.test(key));
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (document) => {
        const bytes = encodeCanonical(document);
        expect(decodeStrict(bytes, { maxBytes: 1e6, maxDepth: 64 })).to.deep.equal(document);
      }),
    );
  });

  it('accepts canonical documents, so that the refusals below mean something', () => {
    for (const text of ['null', '{}', '[]', '""', '-5', '{"a":1,"b":[{"c":""}]}', '"\\"["']) {
      expect(codeOf(utf8(text)), text).to.equal('accepted');
    }
  });

  const refused: [string, string][] = [
    ['nothing', ''],
    ['half a document', '{"a":'],
    ['a space', '{"a": 1}'],
    ['a newline at the end', '{"a":1}\n'],
    ['two documents', '{}{}'],
    ['keys out of order', '{"b":1,"a":2}'],
    ['a repeated key', '{"a":1,"a":1}'],
    ['a repeated key, escaped', '{"a":1,"\\u0061":1}'],
    ['a fraction', '1.5'],
    ['an exponent', '1e3'],
    ['a fraction of zero', '1.0'],
    ['minus zero', '-0'],
    ['a number that loses digits', '9007199254740993'],
    ['a needless escape', '"\\u0041"'],
    ['an upper-case escape', '"\\u000F"'],
    ['an escaped slash', '"\\/"'],
    ['half a surrogate pair', '"\\ud800"'],
    ['the prototype', '{"__proto__":{"polluted":1}}'],
    ['a constructor', '{"constructor":{}}'],
    ['the prototype, deeper', '[{"a":{"__proto__":1}}]'],
    ['a byte order mark', '\ufeff{}'],
    ['a comment', '{}/**/'],
    ['NaN', 'NaN'],
  ];
  for (const [what, text] of refused) {
    it(`refuses ${what}`, () => {
      expect(codeOf(utf8(text))).to.equal('malformed');
      expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
    });
  }

  it('refuses bytes that are no UTF-8', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      expect(codeOf(Uint8Array.from(bytes))).to.equal('malformed');
    }
  });

  it('bounds size and depth before parsing', () => {
    expect(codeOf(new Uint8Array(1001).fill(0x20))).to.equal('too_large');
    const nested = (depth: number): Uint8Array => utf8('['.repeat(depth) + ']'.repeat(depth));
    expect(codeOf(nested(16))).to.equal('accepted');
    expect(codeOf(nested(17))).to.equal('malformed');
    expect(codeOf(nested(3), { maxBytes: 10, maxDepth: 2 })).to.equal('malformed');
    expect(codeOf(nested(1_000_000), { maxBytes: 2e6 })).to.equal('malformed');
    expect(codeOf(utf8('"[[[["'), { maxBytes: 10, maxDepth: 1 })).to.equal('accepted');
    expect(codeOf(utf8('["\\"[[["]'), { maxBytes: 10, maxDepth: 1 })).to.equal('accepted');
  });

  it('throws nothing but its coded error on random bytes', () => {
    const jsonish = fc.array(fc.constantFrom(...Array.from('{}[]",:\\u0019e-. ntf')), {
      maxLength: 40,
    });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void codeOf(bytes)));
    fc.assert(
      fc.property(jsonish, (parts) => void codeOf(utf8(parts.join('')))),
      { numRuns: 2000 },
    );
  });
});
