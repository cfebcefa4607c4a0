import { expect } from 'chai';
import fc from 'fast-check';

import { fromUtf8, utf8 } from '../../src/base/index.ts';
import { generateEd25519 } from '../../src/crypto/index.ts';
import {
  manifestDigest,
  encodeCanonical,
  memberIndex,
  memberOf,
  readManifest,
  signEnvelope,
  signManifest,
  verifyManifest,
  WireError,
  type Manifest,
  type Member,
} from '../../src/wire/index.ts';
import { flipped, keyOf, readVector } from './fixtures.ts';

const vector = readVector('manifest.json');
const bytes = utf8(vector.envelope!);
const { manifest } = verifyManifest(bytes);
const ids = manifest.members.map(({ id }) => id);
const orgKeys = ids.map((id) => keyOf(id, 'orgKey'));

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
}

/** A deep copy with the value at `path` (keys joined by dots) replaced, or removed for `undefined`. */
function changed(path: string, value: unknown): Record<string, unknown> {
  const copy = JSON.parse(JSON.stringify(manifest)) as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  let place = copy;
  for (const key of keys) place = place[key] as Record<string, unknown>;
  if (value === undefined) Reflect.deleteProperty(place, last);
  else place[last] = value;
  return copy;
}

describe('manifest', () => {
  it('is read and named as by another implementation', () => {
    expect(verifyManifest(bytes).cid).to.equal(vector.cid);
    expect(manifestDigest(manifest)).to.equal(vector.cid);
    expect(ids).to.deep.equal(['L1', 'L2', 'L3', 'L4']);
  });

  it('is signed to the same bytes as by another implementation', () => {
    expect(fromUtf8(signManifest(manifest, orgKeys).bytes)).to.equal(vector.envelope);
  });

  it('finds members', () => {
    expect(memberIndex(manifest, ids[2]!)).to.equal(2);
    expect(memberOf(manifest, ids[1]!)).to.equal(manifest.members[1]);
    const stranger = 'L9' as (typeof ids)[0];
    expect(memberIndex(manifest, stranger)).to.equal(-1);
    expect(memberOf(manifest, stranger)).to.equal(null);
  });

  it('needs the signature of every member, and of nobody else', () => {
    const signedBy = (...keys: ReturnType<typeof keyOf>[]): string =>
      codeOf(() => signManifest(manifest, keys));
    expect(signedBy(...orgKeys)).to.equal('accepted');
    expect(signedBy(...[...orgKeys].reverse())).to.equal('accepted');
    expect(signedBy(...orgKeys.slice(1))).to.equal('bad_signature');
    expect(signedBy(...orgKeys, generateEd25519())).to.equal('malformed');
    expect(signedBy(...orgKeys.slice(1), generateEd25519())).to.equal('bad_signature');
    expect(signedBy(...orgKeys.slice(1), orgKeys[1]!)).to.equal('bad_signature');
    expect(signedBy(...ids.map((id) => keyOf(id, 'logKey')))).to.equal('bad_signature');
  });

  it('takes no envelope of another type', () => {
    const payload = encodeCanonical(manifest);
    const other = encodeCanonical(signEnvelope('application/json', payload, ...orgKeys));
    expect(codeOf(() => verifyManifest(other))).to.equal('malformed');
    expect(codeOf(() => verifyManifest(new Uint8Array(600_000)))).to.equal('too_large');
  });

  const [l1, l2] = manifest.members as [Member, Member];
  const refused: [string, string, unknown][] = [
    ['another version', 'version', 1],
    ['an unknown key', 'extra', 1],
    ['no members', 'members', []],
    ['members out of order', 'members', [...manifest.members].reverse()],
    ['one member twice', 'members.1.id', 'L1'],
    ['a key used by two members', 'members.1.logKey', l1.logKey],
    ['a key used in two roles', 'members.0.logKey', l1.witnessKey],
    ['a sealing key used to sign', 'members.0.sealKey', l2.logKey],
    ['a key of small order', 'members.0.logKey', `AQ${'A'.repeat(41)}=`],
    ['a short key', 'members.0.logKey', 'AAAA'],
    ['a sealing key of zeros', 'members.0.sealKey', `${'A'.repeat(43)}=`],
    ['an unknown role', 'members.0.role', 'boss'],
    ['an address that is no multiaddress', 'members.0.addresses', ['http://x']],
    ['a label twice', 'members.0.labels', ['hps', 'hps']],
    ['a domain with a slash', 'domain', 'a/b'],
    ['a name with a newline', 'name', 'a\nb'],
    ['no stages', 'plan.stages', []],
    ['two stages of one id', 'plan.stages.1.id', 'teacher-hps'],
    ['a participant that is no member', 'plan.stages.0.participants', ['L1', 'L9']],
    ['a teacher without a task', 'plan.stages.0.task', undefined],
    ['a student with a task', 'plan.stages.1.task', 'hps'],
    ['a minimum above the participants', 'plan.stages.0.minParticipants', 3],
    ['a negative learning rate', 'plan.stages.0.learningRateMicro', -1],
    ['a schedule that nobody knows', 'plan.stages.0.schedule', 'step'],
    ['a start that is no digest', 'plan.stages.0.start', 'here'],
    ['a stage without a rule', 'plan.stages.0.rule', undefined],
    ['a cap above the greatest weight', 'plan.stages.0.rule.samplesCap', 201],
    ['a stage without a batch', 'plan.stages.0.training.batch', undefined],
    ['a hyper-parameter that nobody knows', 'plan.stages.0.training.dropout', 1],
    ['a share above 1', 'plan.stages.0.training.sampling.noiseProbabilityMicro', 1_000_001],
    ['a student without distillation', 'plan.stages.1.training.distillation', undefined],
    ['an update of no bytes', 'limits.updateBytesMax', 0],
    ['a limit that nobody knows', 'limits.weightMax', 100],
  ];
  for (const [what, path, value] of refused) {
    it(`refuses ${what}`, () => {
      const copy = changed(path, value);
      expect(codeOf(() => readManifest(copy))).to.equal('malformed');
      const sign = (): unknown => signManifest(copy as unknown as Manifest, orgKeys);
      expect(codeOf(sign)).to.equal('malformed');
    });
  }

  it('reads what it should, so that the refusals mean something', () => {
    expect(codeOf(() => readManifest(changed('name', 'Other')))).to.equal('accepted');
    expect(codeOf(() => readManifest(changed('members.0.labels', [])))).to.equal('accepted');
  });

  it('notices every flipped byte, and throws nothing but its coded error', () => {
    // Every 7th byte keeps the test short; the bit changes with the place.
    for (let index = 0; index < bytes.byteLength; index += 7) {
      const code = codeOf(() => verifyManifest(flipped(bytes, index, index % 8)));
      expect(code, `byte ${index}`).to.not.equal('accepted');
    }
    for (let size = 0; size < bytes.byteLength; size += 97) {
      expect(codeOf(() => verifyManifest(bytes.subarray(0, size)))).to.equal('malformed');
    }
    fc.assert(
      fc.property(fc.json(), (text) => codeOf(() => verifyManifest(utf8(text))) === 'malformed'),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => codeOf(() => readManifest(value)) === 'malformed'),
    );
  });
});
