import { expect } from 'chai';
import { equalBytes, hex, utf8, type Digest, type RoundNumber } from '../../src/base/index.ts';
import { parseCheckpoint } from '../../src/audit/checkpoint.ts';
import { openConsortiumLog, type ConsortiumLog } from '../../src/audit/consortium-log.ts';
import type { Decision } from '../../src/audit/log-files.ts';
import { MerkleTree, hashLeaf } from '../../src/audit/merkle-tree.ts';
import { parseNote } from '../../src/audit/signed-note.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { blockLeaf } from '../../src/wire/index.ts';
import { bodyOf, certify, makeConsortium, open } from './consortium.ts';
import { MemoryStore } from './memory-store.ts';

const consortium = makeConsortium(4);

async function openLog(store: MemoryStore, self = 0, nowMs = 5_000_000): Promise<ConsortiumLog> {
  const { id, keys } = consortium.members[self]!;
  return openConsortiumLog(store, {
    consortium: consortium.signed,
    self: id,
    logSigner: keys.log,
    witnessSigner: keys.witness,
    clock: { nowMs: () => nowMs },
  });
}

interface Step {
  readonly decision: Decision;
  readonly envelopes: Uint8Array[];
}

/** The next height after `log`, with a CUT of four updates on every second height. */
function nextStep(log: ConsortiumLog, salt = ''): Step {
  const h = log.head.height + 1;
  const isCut = h % 2 === 0;
  const envelopes = isCut
    ? consortium.members.map(({ id }) => utf8(`envelope of ${id} at ${h}${salt}`))
    : [];
  const r = Math.ceil(h / 2) as RoundNumber;
  const updates = envelopes.map((bytes, i) => ({
    peer: consortium.members[i]!.id,
    env: digestOf(bytes),
    upd: digestOf(bytes),
    n: 1,
  }));
  const op = isCut
    ? ({ op: 'CUT', r, updates } as const)
    : open(consortium, r, digestOf(utf8(`base${salt}`)));
  const partial = bodyOf(consortium, h, log.head.body, [op]);
  const body = { ...partial, log: log.logAfter(partial, envelopes) };
  return { decision: { body, certificate: certify(consortium, body) }, envelopes };
}

describe('envelopes in the log', () => {
  it('are found by their digests, whenever they came, also after a start', async () => {
    const store = new MemoryStore();
    const log = await openLog(store);
    const early = await grow(log, 4);
    for (const one of early.flatMap(({ envelopes }) => envelopes)) {
      expect(await log.envelope(digestOf(one))).to.deep.equal(one);
    }
    const late = await grow(log, 2);
    const opened = await openLog(store);
    const all = [...early, ...late].flatMap(({ envelopes }) => envelopes);
    expect(all).to.have.length(12);
    for (const one of all) {
      expect(await log.envelope(digestOf(one))).to.deep.equal(one);
      expect(await opened.envelope(digestOf(one))).to.deep.equal(one);
    }
  });

  it('are none of what was never appended, nor the blocks', async () => {
    const log = await openLog(new MemoryStore());
    const [first] = await grow(log, 1);
    const next = nextStep(log);
    expect(await log.envelope(digestOf(next.envelopes[0]!))).to.equal(null);
    expect(await log.envelope(digestOf(blockLeaf(first!.decision.body)))).to.equal(null);
    await log.appendHeight(next.decision, next.envelopes);
    expect(await log.envelope(digestOf(next.envelopes[0]!))).to.deep.equal(next.envelopes[0]);
  });

  it('are told apart where the first 52 bits of their digests are the same', async () => {
    const log = await openLog(new MemoryStore());
    const step = nextStep(log, '');
    await log.appendHeight(step.decision, step.envelopes);
    const second = nextStep(log);
    await log.appendHeight(second.decision, second.envelopes);
    const digest = digestOf(second.envelopes[0]!);
    const alike = `${digest.slice(0, 13)}${'0'.repeat(51)}` as Digest;
    expect(await log.envelope(alike)).to.equal(null);
    expect(await log.envelope(digest)).to.deep.equal(second.envelopes[0]);
  });
});

async function grow(log: ConsortiumLog, heights: number): Promise<Step[]> {
  const steps: Step[] = [];
  for (let i = 0; i < heights; i++) {
    const step = nextStep(log);
    await log.appendHeight(step.decision, step.envelopes);
    steps.push(step);
  }
  return steps;
}

async function replay(log: ConsortiumLog, steps: readonly Step[]): Promise<void> {
  for (const { decision, envelopes } of steps) await log.appendHeight(decision, envelopes);
}

function tilesOf(store: MemoryStore): Record<string, string> {
  const tiles = [...store.files].filter(([name]) => name.startsWith('log/tile/'));
  const sorted = tiles.map(([name, bytes]) => [name, hex(bytes)] as const);
  return Object.fromEntries<string>(sorted.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'none',
    (error: unknown) => (error as { code?: unknown }).code,
  );
}

describe('ConsortiumLog', () => {
  it('puts the envelopes, sorted by digest, before their block', async () => {
    const log = await openLog(new MemoryStore());
    const [first, second] = await grow(log, 2);
    const sorted = [...second!.envelopes].sort((a, b) => (digestOf(a) < digestOf(b) ? -1 : 1));
    const leaves = [blockLeaf(first!.decision.body), ...sorted, blockLeaf(second!.decision.body)];
    const tree = new MerkleTree();
    for (const leaf of leaves) tree.append(hashLeaf(leaf));
    expect(log.head.size).equals(6);
    expect(log.head.root).equals(hex(tree.root()));
    expect(await log.entries(0, 6)).deep.equals(leaves);
    expect(await log.entries(2, 4)).deep.equals(leaves.slice(2, 4));
  });

  it('holds the same tiles on every node, across full tiles', async () => {
    const [a, b] = [new MemoryStore(), new MemoryStore()];
    // 110 heights: 55 blocks alone and 55 with four updates, 330 entries: one full tile and a part.
    const steps = await grow(await openLog(a), 110);
    await replay(await openLog(b, 1), steps);
    expect(tilesOf(a)).deep.equals(tilesOf(b));
    expect(Object.keys(tilesOf(a))).deep.equals([
      'log/tile/0/000',
      'log/tile/0/001.p/74',
      'log/tile/1/000.p/1',
      'log/tile/entries/000',
      'log/tile/entries/001.p/74',
    ]);
  });

  it('opens where it stopped', async () => {
    const store = new MemoryStore();
    const log = await openLog(store);
    await grow(log, 110);
    const again = await openLog(store);
    expect(again.head).deep.equals(log.head);
    expect(again.checkpoint()).deep.equals(log.checkpoint());
    await grow(again, 3);
    expect((await openLog(store)).head).deep.equals(again.head);
  });

  it('has a checkpoint cosigned at a quorum of cosignatures and keeps later ones', async () => {
    const stores = [0, 1, 2, 3].map(() => new MemoryStore());
    const logs = await Promise.all(stores.map((store, i) => openLog(store, i)));
    const steps = await grow(logs[0]!, 2);
    for (const log of logs.slice(1)) await replay(log, steps);
    const notes = logs.map((log) => log.checkpoint()!);
    expect(logs[0]!.cosignedCheckpoint()).equals(null);
    expect(await logs[0]!.addCosignatures(notes[0]!)).equals('known');
    expect(await logs[0]!.addCosignatures(notes[1]!)).equals('added');
    expect(stores[0]!.files.has('log/checkpoint')).equals(false);
    expect(await logs[0]!.addCosignatures(notes[2]!)).equals('cosigned');
    expect(await logs[0]!.addCosignatures(notes[3]!)).equals('added');
    expect(logs[0]!.cosigners()).deep.equals(['L1', 'L2', 'L3', 'L4']);
    const cosigned = parseNote(stores[0]!.files.get('log/checkpoint')!);
    expect(cosigned.signatures.map((signature) => signature.name)).deep.equals([
      logs[0]!.origin,
      'L1/witness',
      'L2/witness',
      'L3/witness',
      'L4/witness',
    ]);
    expect(stores[0]!.files.has('log/checkpoint.next')).equals(false);
    // The cosigned note alone is enough for another node's log, as when it comes back after an absence.
    expect(await logs[3]!.addCosignatures(logs[0]!.checkpoint()!)).equals('cosigned');
    expect((await openLog(stores[0]!)).cosignedSize).equals(6);
  });

  it('keeps cosignatures that come before the decision', async () => {
    const [ahead, behind] = [await openLog(new MemoryStore()), await openLog(new MemoryStore(), 3)];
    const steps = await grow(ahead, 2);
    for (const self of [1, 2]) {
      const log = await openLog(new MemoryStore(), self);
      await replay(log, steps);
      expect(await behind.addCosignatures(log.checkpoint()!)).equals('ahead');
    }
    await replay(behind, steps);
    expect(behind.cosignedSize).equals(6);
  });

  it('refuses what contradicts it', async () => {
    const store = new MemoryStore();
    const log = await openLog(store);
    const [first] = await grow(log, 2);
    const files = new Map(store.files);

    const other = await openLog(new MemoryStore(), 1);
    const step = nextStep(other, 'other');
    await other.appendHeight(step.decision, step.envelopes);
    expect(await codeOf(log.appendHeight(step.decision, step.envelopes))).equals(
      'conflicting_decision',
    );
    expect(await log.addCosignatures(other.checkpoint()!)).equals('fork');
    expect(await log.cosign(other.checkpoint()!)).equals('fork');

    const next = nextStep(log);
    const { body } = next.decision;
    const wrongRoot = { ...body, log: { ...body.log, root: '0'.repeat(64) as Digest } };
    expect(await codeOf(log.appendHeight({ body: wrongRoot, certificate: null }, []))).equals(
      'root_mismatch',
    );
    const skipped = { ...body, h: (body.h + 1) as typeof body.h };
    expect(await codeOf(log.appendHeight({ body: skipped, certificate: null }, []))).equals(
      'wrong_height',
    );
    expect(await codeOf(log.appendHeight(next.decision, [utf8('stranger')]))).equals('malformed');
    const note = new TextDecoder().decode(log.checkpoint()!);
    const elsewhere = utf8(note.replace('hearts.example', 'lungs.example'));
    expect(await codeOf(log.addCosignatures(elsewhere))).equals('malformed');
    // Not L1's, which this log holds: it would be passed over unread.
    const forged = utf8(note.replace(/L1(\/witness [^ ]{20})[^ ]/, 'L2$1/'));
    expect(await codeOf(log.addCosignatures(forged))).equals('malformed');

    await log.appendHeight(first!.decision, first!.envelopes); // again: nothing happens
    expect(new Map(store.files)).deep.equals(files);
  });

  it('refuses to open a damaged directory', async () => {
    const store = new MemoryStore();
    await grow(await openLog(store), 4);
    for (const [name, bytes] of store.files) {
      if (!/tile|manifest|policy|decisions.4|checkpoint|witness/.test(name)) continue;
      const damaged = new MemoryStore();
      for (const [other, content] of store.files) damaged.files.set(other, content);
      // Byte 40 of a decision lies in its body; certificates are the verifier's, not the opener's.
      const at = name.includes('decisions') ? 40 : Math.floor(bytes.byteLength / 2);
      damaged.files.set(
        name,
        bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      expect(await codeOf(openLog(damaged)), name).not.equals('none');
    }
  });

  it('leaves the same tiles after a crash at any write', async () => {
    const steps = await grow(await openLog(new MemoryStore()), 6);
    const whole = new MemoryStore();
    await replay(await openLog(whole), steps);
    for (let writes = 2; ; writes++) {
      const store = new MemoryStore();
      store.writesLeft = writes;
      const isWhole = await openLog(store)
        .then((log) => replay(log, steps))
        .then(
          () => true,
          () => false,
        );
      store.writesLeft = Infinity;
      await replay(await openLog(store), steps);
      expect(tilesOf(store), `crash at write ${writes}`).deep.equals(tilesOf(whole));
      if (isWhole) return;
    }
  });
});

describe('the witness', () => {
  it('cosigns extensions only, remembers over a restart, and answers the same head the same', async () => {
    const store = new MemoryStore();
    const log = await openLog(store);
    await grow(log, 1);
    const older = log.checkpoint()!;
    await grow(log, 1);
    const newest = await log.cosign(log.checkpoint()!);
    const again = await (await openLog(store, 0, 9_000_000)).cosign(log.checkpoint()!);
    expect(again).deep.equals(newest);
    expect(await log.cosign(older)).equals('behind');
    const ahead = await openLog(new MemoryStore(), 1);
    expect(await ahead.cosign(log.checkpoint()!)).equals('ahead');
  });

  it('does not cosign again a history that its disk has lost', async () => {
    const store = new MemoryStore();
    const log = await openLog(store);
    await grow(log, 2);
    for (const name of store.files.keys()) if (name.startsWith('log/')) store.files.delete(name);
    const reset = await openLog(store);
    const step = nextStep(reset, 'other');
    await reset.appendHeight(step.decision, step.envelopes);
    expect(reset.cosigners()).deep.equals([]);
    expect(await reset.cosign(reset.checkpoint()!)).equals('behind');
    const next = nextStep(reset, 'other');
    await reset.appendHeight(next.decision, next.envelopes);
    expect(reset.head.size).equals(6);
    expect(await reset.cosign(reset.checkpoint()!)).equals('fork');
    expect(parseCheckpoint(parseNote(reset.checkpoint()!).text).size).equals(6);
    expect(equalBytes(reset.checkpoint()!, log.checkpoint()!)).equals(false);
  });
});
