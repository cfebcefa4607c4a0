import { expect } from 'chai';
import type { Digest, NodeId } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { PendingManifests } from '../../src/peer/pending-manifests.ts';
import { signSuccessor } from '../../src/simulate/members.ts';
import { verifyManifest, verifySuccessor, type Manifest } from '../../src/wire/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { changingWorld, memberOf } from './changing-world.ts';

const genesis = verifyManifest(changingWorld([], 2).world.consortium.bytes);
const orgs = ['L1', 'L2', 'L3', 'L4'].map((id) => memberOf(id as NodeId).keys.org);
const next = (changes: Partial<Manifest>): Manifest => {
  return { ...genesis.manifest, version: 1, prev: genesis.digest, ...changes };
};
/** Versions 1 that differ in a limit, ascending by hash. */
const versions = [1, 2, 3, 4, 5]
  .map((updateBytesMax) => signSuccessor(next({ limits: { updateBytesMax } }), orgs))
  .map((bytes) => ({ bytes, digest: digestOf(bytes) }))
  .sort((a, b) => (a.digest < b.digest ? -1 : 1));
const [a, b, c, d] = versions as [Signed, Signed, Signed, Signed];
interface Signed {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}
const unsigned = signSuccessor(next({ limits: { updateBytesMax: 9 } }), orgs.slice(0, 2));
const l2 = 'L2' as NodeId;
const l3 = 'L3' as NodeId;

class Bench {
  readonly store = new MemoryStore();
  /** What the peers give. */
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly asked: string[] = [];
  readonly refused: string[] = [];
  readonly log: string[] = [];
  refusal: string | null = null;
  #tasks: Promise<void>[] = [];

  async load(inForce = genesis): Promise<PendingManifests> {
    const pending = await PendingManifests.load({
      store: this.store,
      content: {
        put: (bytes) => Promise.resolve(digestOf(bytes)),
        remove: () => Promise.resolve(),
        obtainBytes: (digest, _max, from) => {
          this.asked.push(`${from} ${digest.slice(0, 4)}`);
          const bytes = this.blobs.get(digest);
          return bytes === undefined ? Promise.reject(new Error('nobody')) : Promise.resolve(bytes);
        },
      },
      logger: { log: (_level, message, facts) => this.log.push(`${message} ${facts?.advice}`) },
      ...{ inForce, check: verifySuccessor, refusalOf: () => this.refusal },
    });
    pending.attach({
      post: (task) => this.#tasks.push(task()),
      refuse: (from, reason) => this.refused.push(`${from} ${reason}`),
      stageIndex: () => 0,
    });
    return pending;
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(this.#tasks);
  }
}

const digestsOf = (pending: PendingManifests): Digest[] =>
  pending.all().map(({ digest }) => digest);

describe('manifests that wait to be decided', () => {
  it('are kept over a restart when they follow, and refused with what to do when not', async () => {
    const bench = new Bench();
    const pending = await bench.load();
    expect(await pending.submit(b.bytes)).to.deep.equal({
      ...{ kind: 'pending', version: 1, digest: b.digest },
    });
    expect(digestsOf(await bench.load())).to.deep.equal([b.digest]);
    const advices = async (bytes: Uint8Array): Promise<string> => {
      const submission = await pending.submit(bytes);
      return submission.kind === 'refused' ? submission.advice : submission.kind;
    };
    expect(await advices(unsigned)).to.equal('gather the missing signatures, and hand it in again');
    const again = 'draft again from version 0, which is in force';
    expect(await advices(signSuccessor(next({ version: 2 }), orgs))).to.equal(again);
    expect(await advices(new Uint8Array(600_000))).to.equal(again);
    const [stage] = genesis.manifest.plan.stages;
    const plan = { ...genesis.manifest.plan, stages: [{ ...stage!, rounds: 9 }] };
    expect(await advices(signSuccessor(next({ plan }), orgs))).to.equal(again);
    bench.refusal = 'its model has no head of a known task';
    expect(await advices(c.bytes)).to.equal(again);
    expect(digestsOf(pending)).to.deep.equal([b.digest]);
  });

  it('are two at most, those of the smallest hash, whatever order they came in', async () => {
    const bench = new Bench();
    const pending = await bench.load();
    for (const { bytes } of [c, b]) await pending.submit(bytes);
    expect((await pending.submit(d.bytes)).kind).to.equal('refused');
    expect((await pending.submit(a.bytes)).kind).to.equal('pending');
    expect(digestsOf(pending)).to.deep.equal([a.digest, b.digest]);
    expect(digestsOf(await bench.load())).to.deep.equal([a.digest, b.digest]);
  });

  it('are dropped with a word when another version was decided, and quietly when it was they', async () => {
    const bench = new Bench();
    const pending = await bench.load();
    await pending.submit(a.bytes);
    await pending.submit(b.bytes);
    const after = await bench.load(verifySuccessor(genesis, a.bytes));
    expect(digestsOf(after)).to.deep.equal([]);
    expect(bench.log).to.deep.equal([
      'a version of the manifest is dropped draft again from version 1, which is in force',
    ]);
    expect([...bench.store.files.keys()]).to.deep.equal([]);
  });

  it('are fetched when a member tells of them; a false one costs it', async () => {
    const bench = new Bench();
    const pending = await bench.load();
    bench.blobs.set(a.digest, a.bytes);
    const forged = digestOf(unsigned);
    bench.blobs.set(forged, unsigned);
    pending.announced(l2, { version: 1, digest: a.digest });
    pending.announced(l3, { version: 1, digest: forged });
    await bench.settle();
    expect(digestsOf(pending)).to.deep.equal([a.digest]);
    expect(bench.refused).to.have.length(1);
    expect(bench.refused[0]).to.match(/^L3 a manifest that is no next version: /);
    // Known, good or bad, of another version: nothing to fetch.
    bench.asked.splice(0);
    await pending.tick();
    for (const digest of [a.digest, forged]) pending.announced(l2, { version: 1, digest });
    pending.announced(l2, { version: 2, digest: b.digest });
    expect(bench.asked).to.deep.equal([]);
  });

  it('are fetched one for each member between two ticks, however many it names', async () => {
    const bench = new Bench();
    const pending = await bench.load();
    for (const { digest } of versions) pending.announced(l2, { version: 1, digest });
    await bench.settle();
    expect(bench.asked).to.deep.equal([`L2 ${a.digest.slice(0, 4)}`]);
    await pending.tick();
    pending.announced(l2, { version: 1, digest: b.digest });
    await bench.settle();
    expect(bench.asked).to.have.length(2);
  });

  it('are judged when a block names them: not before they are here, and only if they follow', async () => {
    const bench = new Bench();
    const pending = await bench.load();
    const change = (digest: Digest, version = 1) =>
      ({ op: 'MEMBER', version, manifest: digest }) as const;
    const forged = digestOf(unsigned);
    bench.blobs.set(a.digest, a.bytes).set(forged, unsigned);
    for (const digest of [a.digest, forged, b.digest]) {
      expect(pending.successor(change(digest))).to.equal('wait');
    }
    await bench.settle();
    expect(pending.successor(change(a.digest))).to.deep.include({ bytes: a.bytes });
    expect(pending.successor(change(a.digest, 2))).to.equal('reject');
    expect(pending.successor(change(forged))).to.equal('reject');
    expect(pending.successor(change(b.digest))).to.equal('wait');
    // Who leads may propose anything: it is kept by nobody for that.
    expect(digestsOf(pending)).to.deep.equal([]);
    expect(bench.refused).to.deep.equal([]);
  });
});
