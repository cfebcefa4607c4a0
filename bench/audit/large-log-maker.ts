/** Writes a log as a node does, of rounds that a consortium of eight decided. */
import { base64, utf8, type Digest, type RoundNumber, type Store } from '../../src/base/index.ts';
import { cosignCheckpoint } from '../../src/audit/checkpoint.ts';
import { openConsortiumLog } from '../../src/audit/consortium-log.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { openDigest, signUpdateStatement, type BlockBody, type Op } from '../../src/wire/index.ts';
import { formatNote, parseNote } from '../../src/audit/signed-note.ts';
import { witnessName } from '../../src/audit/policy.ts';
import { bodyOf, certify, makeConsortium, open } from '../../test/audit/consortium.ts';

const memberCount = 8;

/** Appends until there are `count` entries at least. `signMs` went into signatures, which a node does not make in one place. */
export async function makeLargeLog(
  store: Store,
  count: number,
): Promise<{ readonly entries: number; readonly signMs: number }> {
  const rounds = Math.ceil(count / (memberCount + 2));
  const consortium = makeConsortium(memberCount, 'large', false, rounds + 1);
  const [first] = consortium.members;
  if (first === undefined) throw new Error('a consortium has members');
  const clock = { nowMs: () => 1_700_000_000_000 };
  const { log: logSigner, witness: witnessSigner } = first.keys;
  const log = await openConsortiumLog(store, {
    ...{ consortium: consortium.signed, self: first.id, logSigner, witnessSigner, clock },
  });
  let signMs = 0;
  let model: Digest = digestOf(utf8('initial'));
  let opened = open(consortium, 1, model, 0);
  const decide = async (ops: readonly Op[], envelopes: readonly Uint8Array[]): Promise<void> => {
    const { height, body: prev } = log.head;
    const plain = bodyOf(consortium, height + 1, prev, ops);
    const body: BlockBody = { ...plain, log: log.logAfter(plain, envelopes) };
    const startMs = performance.now();
    const certificate = certify(consortium, body);
    signMs += performance.now() - startMs;
    await log.appendHeight({ body, certificate }, envelopes);
  };
  const openAt = (round: number, height: number): typeof opened => ({
    ...open(consortium, round, model, round - 1),
    deadline: 1000 * height + 1000,
  });
  opened = openAt(1, 1);
  await decide([opened], []);
  const sealedKeys = Object.fromEntries(
    consortium.members.map(({ id }) => [id, base64(new Uint8Array(80))]),
  );
  for (let round = 1; round <= rounds; round++) {
    const startMs = performance.now();
    const envelopes = consortium.members.map(({ id, keys }) =>
      signUpdateStatement(
        {
          ...{ cid: consortium.signed.cid, round: round as RoundNumber, author: id },
          ...{ open: openDigest(opened), base: opened.base, code: opened.code },
          dataset: digestOf(utf8(`data of ${id}`)),
          ...{ update: updateOf(round, id), updateBytes: 1000, weight: 10, heads: {}, metrics: {} },
          sealedKeys,
          nodeLog: { log: 1, size: round, root: digestOf(utf8(`own log ${round}`)) },
        },
        keys.log,
      ),
    );
    signMs += performance.now() - startMs;
    const r = round as RoundNumber;
    const updates = consortium.members.map(({ id }, at) => {
      const env = digestOf(envelopes[at] ?? new Uint8Array());
      return { peer: id, env, upd: updateOf(round, id), n: 10 };
    });
    await decide([{ op: 'CUT', r, updates }], envelopes);
    model = digestOf(utf8(`model ${round}`));
    const seal: Op = { op: 'SEAL', r, agg: model, W: 10 * memberCount, metrics: {} };
    opened = openAt(round + 1, log.head.height + 1);
    await decide(round < rounds ? [seal, opened] : [seal], []);
  }
  const { text } = parseNote(log.checkpoint() ?? new Uint8Array());
  const signatures = consortium.members.map(({ id, keys }) =>
    cosignCheckpoint(text, witnessName(id), keys.witness, clock.nowMs() / 1000),
  );
  await log.addCosignatures(formatNote({ text, signatures }));
  return { entries: log.head.size, signMs };
}

function updateOf(round: number, author: string): Digest {
  return digestOf(utf8(`ciphertext of ${author} in round ${round}`));
}
