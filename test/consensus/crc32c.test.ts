import { expect } from 'chai';

import { utf8 } from '../../src/base/index.ts';
import { crc32c } from '../../src/consensus/index.ts';

describe('CRC-32C', () => {
  it('agrees with RFC 3720, appendix B.4', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(crc32c(new Uint8Array(32))).equal(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).equal(0x62a8ab43);
    expect(crc32c(ascending)).equal(0x46dd794e);
    expect(crc32c(ascending.toReversed())).equal(0x113fdb5c);
  });

  it('has the check value of its catalogue entry', () => {
    expect(crc32c(utf8('123456789'))).equal(0xe3069283);
    expect(crc32c(new Uint8Array())).equal(0);
  });
});
