/** Protocol Buffers' bytes as its own documentation shows them. */
import { expect } from 'chai';

import { hex } from '../../src/base/index.ts';
import { MessageWriter } from '../../src/interop/protobuf.ts';

describe('a message', () => {
  // https://protobuf.dev/programming-guides/encoding: Test1, Test2 and Test3, and packed fields.
  it('is written as the documentation writes it', () => {
    const test1 = new MessageWriter().int(1, 150);
    expect(hex(test1.finish())).equal('089601');
    expect(hex(new MessageWriter().text(2, 'testing').finish())).equal('120774657374696e67');
    expect(hex(new MessageWriter().message(3, test1).finish())).equal('1a03089601');
    expect(hex(new MessageWriter().ints(6, [3, 270, 86942]).finish())).equal('3206038e029ea705');
  });

  it('has negative numbers in ten bytes of two’s complement, and floats in four', () => {
    expect(hex(new MessageWriter().int(1, -1).finish())).equal(`08${'ff'.repeat(9)}01`);
    // IEEE 754: 0.5 is 0x3f000000; field 2 of wire type 5 is 0x15.
    expect(hex(new MessageWriter().float(2, 0.5).finish())).equal('150000003f');
  });
});
