import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { utf8, type NodeId, type RoundNumber } from '../../src/base/index.ts';
import { NodeLog, nodeLogPrefix, nodeLogRestoredName } from '../../src/audit/node-log.ts';
import { decodeNodeEntry, encodeNodeEntry, type NodeEntry } from '../../src/audit/node-events.ts';
import { verifyNodeLogs, type Anchor } from '../../src/audit/verify-node-log.ts';
import { Report } from '../../src/audit/verdict.ts';
import { digestOf, generateEd25519, sha256 } from '../../src/crypto/index.ts';
import { WireError, type NodeLogHead } from '../../src/wire/index.ts';
import { MemoryStore } from './memory-store.ts';
import { directoryOf } from './sample-log.ts';

const node = 'L1' as NodeId;
const signer = generateEd25519(sha256(utf8('own log of L1')));
const stranger = generateEd25519(sha256(utf8('stranger')));
const dataset = digestOf(utf8('data'));

/** Two events of a round. */
function eventsOf(round: number, samples = 10): NodeEntry[] {
  const of = { round: round as RoundNumber, atMs: 1000 * round };
  return [
    { event: 'training-started', base: digestOf(utf8('base')), ...of },
    { event: 'training-finished', dataset, samples, ...of },
  ];
}

function open(store: MemoryStore, key = signer): Promise<NodeLog> {
  return NodeLog.open(store, { self: node, signer: key, logKeys: [key.publicKey] });
}

function copyOf(store: MemoryStore, writesLeft?: number): MemoryStore {
  const copy = new MemoryStore(writesLeft);
  for (const [name, bytes] of store.files) copy.files.set(name, bytes.slice());
  return copy;
}

/** Findings and notes about what lies in `store`, held against anchors of rounds 1, 2, … */
async function verdictOf(store: MemoryStore, heads: readonly NodeLogHead[]): Promise<Report> {
  const report = new Report();
  const names = [...store.files].filter(([name]) => name.startsWith(nodeLogPrefix));
  const files = new Map(names.map(([name, bytes]) => [name.slice(nodeLogPrefix.length), bytes]));
  const anchors: Anchor[] = heads.map((head, at) => ({ round: at + 1, ...head }));
  await verifyNodeLogs(directoryOf(files), { node, logKeys: [signer.publicKey], anchors }, report);
  return report;
}

async function findingsOf(store: MemoryStore, heads: readonly NodeLogHead[]): Promise<string[]> {
  return (await verdictOf(store, heads)).findings.map(({ where, what }) => `${where}: ${what}`);
}

/** A log of three rounds, and its head after each. */
async function threeRounds(samples = 10): Promise<{ store: MemoryStore; heads: NodeLogHead[] }> {
  const store = new MemoryStore();
  const log = await open(store);
  const heads: NodeLogHead[] = [];
  for (const round of [1, 2, 3]) heads.push(await log.append(eventsOf(round, samples)));
  return { store, heads };
}

describe("a node's own log", () => {
  it('has the root of RFC 6962 over its entries', async () => {
    const log = await open(new MemoryStore());
    const head = await log.append(eventsOf(1));
    const hash = (...parts: Uint8Array[]): Buffer =>
      createHash('sha256').update(Buffer.concat(parts)).digest();
    const [left, right] = eventsOf(1).map((entry) =>
      hash(Uint8Array.of(0), encodeNodeEntry(entry)),
    );
    const root = hash(Uint8Array.of(1), left!, right!).toString('hex');
    expect(head).deep.equal({ log: 1, size: 2, root });
  });

  it('takes nothing that is not in its list: no free text, no other field, no other code', () => {
    const [started] = eventsOf(1);
    const refused: object[] = [
      { ...started, note: 'patient 7 moved' },
      { ...started, base: 'patient 7' },
      { ...started, event: 'patient-moved' },
      { event: 'training-failed', round: 1, reason: 'patient 7 moved', atMs: 1 },
      {
        event: 'update-refused',
        round: 1,
        reason: 'bad_bulk',
        env: dataset,
        author: 'a b',
        atMs: 1,
      },
      { ...started, atMs: '2026-11-30' },
    ];
    expect(decodeNodeEntry(encodeNodeEntry(started!))).deep.equal(started);
    for (const entry of refused) {
      expect(() => encodeNodeEntry(entry as NodeEntry), JSON.stringify(entry)).throws(WireError);
      expect(() => decodeNodeEntry(utf8(JSON.stringify(entry)))).throws(WireError);
    }
  });

  it('keeps every head that it has given, whichever write a crash comes at', async () => {
    const { store, heads } = await threeRounds();
    for (let writes = 0; ; writes++) {
      const torn = copyOf(store, writes);
      const isDone = await (await open(torn)).append(eventsOf(4)).then(
        () => true,
        () => false,
      );
      torn.writesLeft = Infinity;
      const log = await open(torn);
      expect([6, 8], `after ${writes} writes`).include(log.head.size);
      expect(await log.settle(heads[2]!, 0)).equal(null);
      const head = await log.append(eventsOf(5));
      expect(await findingsOf(torn, [...heads, head])).deep.equal([]);
      if (isDone) break;
    }
  });

  it('gives way to another log, which says why, where the disk is older than what was anchored', async () => {
    const { store, heads } = await threeRounds();
    const older = new MemoryStore();
    await (await open(older)).append(eventsOf(1));
    const other = copyOf(store);
    await (await open(other)).append(eventsOf(4));
    const restored = copyOf(store);
    await restored.write(nodeLogRestoredName, utf8('{}'));
    const damaged = copyOf(store);
    damaged.files.set('node-log/1/tile/0/000.p/6', new Uint8Array(6 * 32));
    const forged = copyOf(store);
    const cases = [
      [older, signer, heads[2], 'behind'],
      [restored, signer, heads[2], 'restored'],
      [damaged, signer, heads[2], 'damaged'],
      [forged, stranger, heads[2], 'damaged'],
      [store, signer, heads[2], null],
      [store, signer, null, null],
    ] as const;
    for (const [disk, key, anchor, reason] of cases) {
      const log = await open(disk, key);
      expect(await log.settle(anchor ?? null, 7)).equal(reason);
      expect(log.head.log).equal(reason === null ? 1 : 2);
      if (reason === null) continue;
      const bundle = disk.files.get('node-log/2/tile/entries/000.p/1')!;
      const first = decodeNodeEntry(bundle.slice(2));
      expect(first).deep.equal({ event: 'log-begun', reason, after: anchor, atMs: 7 });
      const again = await open(disk, key);
      expect(await again.settle(log.head, 8)).equal(null);
    }
    // The excuse counts once an update says it to everybody.
    expect((await verdictOf(older, heads)).findings).length(1);
    const told = await open(older);
    const { findings, notes } = await verdictOf(older, [...heads, told.head]);
    expect(findings).deep.equal([]);
    expect(notes).deep.equal([
      'node-log/1: cut off: the update of round 2 anchors 4 entries, 2 are here; log 2 says so',
    ]);
  });
});

describe("verification of a node's own log", () => {
  it('finds nothing wrong with one that holds every head', async () => {
    const { store, heads } = await threeRounds();
    expect(await findingsOf(store, heads)).deep.equal([]);
    await (await open(store)).append(eventsOf(4));
    expect(await findingsOf(store, heads)).deep.equal([]);
  });

  it('names what was cut off, rewritten, altered, added, taken away or signed by another key', async () => {
    const { store, heads } = await threeRounds();
    const cut = new MemoryStore();
    await (await open(cut)).append(eventsOf(1));
    const rewritten = (await threeRounds(11)).store;
    const altered = copyOf(store);
    const bundle = Buffer.from(altered.files.get('node-log/1/tile/entries/000.p/6')!);
    bundle[bundle.lastIndexOf('"samples":10') + 11] = 0x31;
    altered.files.set('node-log/1/tile/entries/000.p/6', new Uint8Array(bundle));
    const added = copyOf(store);
    added.files.set('node-log/1/notes.txt', utf8('x'));
    const gone = new MemoryStore();
    const headless = copyOf(store);
    headless.files.delete('node-log/1/checkpoint');
    const other = new MemoryStore();
    await (await open(other, stranger)).append(eventsOf(1));
    const first = heads.slice(0, 1);
    const larger = { ...heads[2]!, size: 7 };
    const otherRoot = { ...heads[2]!, root: dataset };
    const unsaid = new MemoryStore();
    for (const [name, bytes] of store.files) unsaid.files.set(name.replace('/1/', '/2/'), bytes);
    const cases: [string, MemoryStore, readonly NodeLogHead[], RegExp][] = [
      [
        'cut off',
        cut,
        heads,
        /^node-log\/1: cut off: the update of round 2 anchors 4 entries, 2 are/,
      ],
      [
        'rewritten',
        rewritten,
        first,
        /^node-log\/1: rewritten: the update of round 1 anchors 2 entr/,
      ],
      ['altered', altered, heads, /^node-log\/1\/entry 5: its bytes in .* were changed/],
      ['added', added, heads, /^node-log\/1\/notes.txt: a file that does not belong/],
      [
        'not there',
        gone,
        heads,
        /^node-log\/1: cut off: the update of round 1 anchors 2 entries, 0 are here/,
      ],
      ['without a head', headless, heads, /^node-log\/1\/checkpoint: the file is missing/],
      ['of a stranger', other, [], /^node-log\/1\/checkpoint: .*one signature, by a log key of L1/],
      [
        'smaller than an anchor',
        store,
        [larger],
        /^node-log\/1: cut off: .* 7 entries, 6 are here/,
      ],
      ['not under the anchored root', store, [otherRoot], /^node-log\/1: rewritten: .* round 1/],
      ['in the place of another log', unsaid, [], /^node-log\/2\/checkpoint: .*the origin L1\/2/],
    ];
    for (const [what, disk, anchors, expected] of cases) {
      const findings = await findingsOf(disk, anchors);
      expect(findings[0], what).match(expected);
      expect(findings, what).length(1);
    }
  });
});
