import { expect } from 'chai';
import { utf8, type NodeId } from '../../src/base/index.ts';
import { generateEd25519 } from '../../src/crypto/index.ts';
import {
  combineSignatures,
  encodeDraft,
  openDraft,
  verifyManifest,
  WireError,
  withSignature,
  type OpenedManifest,
} from '../../src/wire/index.ts';
import { flipped, keyOf, readVector } from './fixtures.ts';

const genesis = verifyManifest(utf8(readVector('manifest.json').envelope!));
const ids = genesis.manifest.members.map(({ id }) => id);
const org = (id: NodeId): ReturnType<typeof keyOf> => keyOf(id, 'orgKey');
const draft = openDraft(encodeDraft(genesis.manifest));
const signedBy = (id: NodeId): OpenedManifest => openDraft(withSignature(draft, org(id)));

describe('a manifest that is being signed', () => {
  it('is a draft of the very bytes that are signed, and then an envelope', () => {
    expect(draft.envelope.signatures).to.deep.equal([]);
    expect(draft.payload).to.deep.equal(encodeDraft(genesis.manifest));
    const all = ids.map(signedBy) as [OpenedManifest, ...OpenedManifest[]];
    const combined = combineSignatures(null, all);
    expect(verifyManifest(combined).cid).to.equal(genesis.cid);
    // In whatever order they come, and when some of them come twice.
    const [first, ...rest] = [...all].reverse();
    expect(combineSignatures(null, [first!, ...rest, first!])).to.deep.equal(combined);
  });

  it('can go from one member to the next instead', () => {
    const passed = ids.reduce((opened, id) => openDraft(withSignature(opened, org(id))), draft);
    expect(verifyManifest(combineSignatures(null, [passed])).cid).to.equal(genesis.cid);
    const again = openDraft(withSignature(passed, org(ids[0]!)));
    expect(again.envelope.signatures.length).to.equal(ids.length);
  });

  it('is not combined with another version, nor when a stranger signed or a signature is wrong', () => {
    const [l1, l2] = ids as [NodeId, NodeId];
    const other = openDraft(
      withSignature(openDraft(encodeDraft({ ...genesis.manifest, name: 'Other' })), org(l2)),
    );
    expect(() => combineSignatures(null, [signedBy(l1), other])).to.throw(
      WireError,
      'same version',
    );
    const strange = openDraft(withSignature(draft, generateEd25519()));
    expect(() => combineSignatures(null, [signedBy(l1), strange])).to.throw(
      WireError,
      'members only',
    );
    const { envelope } = signedBy(l1);
    const [signature] = envelope.signatures;
    const forged = { ...signature!, sig: signedBy(l2).envelope.signatures[0]!.sig };
    const wrong = { ...draft, envelope: { ...envelope, signatures: [forged] } };
    expect(() => combineSignatures(null, [wrong])).to.throw(WireError, 'a signature is wrong');
  });

  it('opens nothing else: no draft with a bit flipped is read as the same version', () => {
    const bytes = encodeDraft(genesis.manifest);
    for (let index = 0; index < bytes.byteLength; index += 97) {
      try {
        const opened = openDraft(flipped(bytes, index, index % 8));
        expect(opened.payload).to.not.deep.equal(bytes);
      } catch (error) {
        expect(error).to.be.instanceOf(WireError);
      }
    }
  });
});
