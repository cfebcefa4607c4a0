import { openEngine } from '../../../../src/compute/index.ts';
import { loadNative } from '../../../../src/compute/heap/native/module.ts';
import { opsSuite } from '../../ops/ops-suite.ts';

const native = loadNative();
if (native === null) {
  // eslint-disable-next-line no-console -- says why nothing runs
  console.log(
    'no native kernels here: run scripts/build-native.ts with a C++ compiler to test them',
  );
} else {
  for (const threads of [1, 3]) {
    opsSuite(`native kernels ${native.variant} on ${String(threads)} threads`, () =>
      openEngine({ backend: 'native', threads }),
    );
  }
}
