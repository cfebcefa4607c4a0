/** A witness outside the consortium, and a node that asks it. Statuses are those of c2sp.org/tlog-witness. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { fromUtf8, utf8, type Store } from '../../src/base/index.ts';
import {
  checkpointName,
  decodeWitnessRequest,
  encodeWitnessRequest,
  hashLeaf,
  MerkleTree,
  parseNote,
  parsePolicy,
  parseSignatureLine,
  policyName,
  verifyNoteSignature,
} from '../../src/audit/index.ts';
import {
  LogWitness,
  outsideNoteName,
  outsideWitnesses,
  postBytes,
  validateWitnessSettings,
  WitnessClient,
  witnessDefaults,
} from '../../src/auditor/index.ts';
import { formatVkey } from '../../src/audit/signed-note.ts';
import { decodeBundle } from '../../src/audit/tiles.ts';
import { generateEd25519, sha256 } from '../../src/crypto/index.ts';
import { serveWitness } from '../../src/dashboard/index.ts';
import { systemClock } from '../../src/host/index.ts';
import { MemoryStore } from '../audit/memory-store.ts';
import { directoryOf, makeSampleLog, type LogFiles } from '../audit/sample-log.ts';

const clock = { nowMs: () => 1_700_000_000_000 };
const name = 'regulator.example/annulus';
const signer = generateEd25519(sha256(utf8('a regulator')));

describe('a witness outside the consortium', () => {
  /** One history at 7 entries and at 13; another of 13 from the fourth entry on. */
  let short: LogFiles;
  let long: LogFiles;
  let other: LogFiles;

  before(async () => {
    ({ files: short } = await makeSampleLog({ rounds: ['sealed'] }));
    ({ files: long } = await makeSampleLog({ rounds: ['sealed', 'absent'] }));
    ({ files: other } = await makeSampleLog({ rounds: ['absent', 'sealed'] }));
  });

  const treeOf = (files: LogFiles): MerkleTree => {
    const tree = new MerkleTree();
    for (const [path, bytes] of files) {
      const width = /^tile\/entries\/000\.p\/(\d+)$/.exec(path)?.[1];
      if (width === undefined) continue;
      for (const entry of decodeBundle(bytes, Number(width))) tree.append(hashLeaf(entry));
    }
    return tree;
  };
  const noteOf = (files: LogFiles): Uint8Array => files.get(checkpointName)!;
  const witnessOn = (store: Store = new MemoryStore()): LogWitness =>
    new LogWitness(store, { name, signer, clock, logs: parsePolicy(short.get(policyName)!).logs });
  const request = (files: LogFiles, oldSize: number): Uint8Array => {
    const proof = oldSize === 0 ? [] : treeOf(files).consistencyProof(oldSize);
    return encodeWitnessRequest({ oldSize, proof, note: noteOf(files) });
  };

  it('cosigns a first head, one that goes on from it, and the same again', async () => {
    const witness = witnessOn();
    for (const [files, oldSize] of [
      [short, 0],
      [long, 7],
      [long, 13],
    ] as const) {
      const { status, body } = await witness.add(request(files, oldSize));
      expect(status).equal(200);
      const { text } = parseNote(noteOf(files));
      expect(verifyNoteSignature(text, parseSignatureLine(body), witness.key)).equal(true);
    }
  });

  it('says with 409 which size it knows, for another old size and for another root of the same size', async () => {
    const witness = witnessOn();
    await witness.add(request(long, 0));
    for (const body of [
      request(long, 0),
      request(long, 7),
      request(short, 0),
      request(other, 13),
    ]) {
      expect(await witness.add(body)).deep.equal({
        ...{ status: 409, type: 'text/x.tlog.size', body: '13\n' },
      });
    }
  });

  it('refuses a tree that does not go on from the last with 422, and cosigns the true one afterwards', async () => {
    const witness = witnessOn();
    await witness.add(request(short, 0));
    expect((await witness.add(request(other, 7))).status).equal(422);
    const proof = treeOf(long).consistencyProof(7);
    const [first = new Uint8Array(32), ...rest] = proof;
    const flipped = [first.map((byte, at) => (at === 0 ? byte ^ 1 : byte)), ...rest];
    for (const bad of [[], proof.slice(1), [...proof, proof[0]!], flipped]) {
      const body = encodeWitnessRequest({ oldSize: 7, proof: bad, note: noteOf(long) });
      expect((await witness.add(body)).status).equal(422);
    }
    expect((await witness.add(request(long, 7))).status).equal(200);
  });

  it('answers 404 for a log it does not know, 403 without a signature of it, 400 for what is no request', async () => {
    const stranger = new LogWitness(new MemoryStore(), { name, signer, clock, logs: [] });
    expect((await stranger.add(request(short, 0))).status).equal(404);
    const lines = fromUtf8(noteOf(short)).split('\n');
    const unsigned = lines.filter((line) => !line.startsWith(`— ${lines[0] ?? ''} `)).join('\n');
    const forged = fromUtf8(noteOf(short)).replace(/\n7\n/, '\n8\n');
    for (const text of [unsigned, forged]) {
      const body = encodeWitnessRequest({ oldSize: 0, proof: [], note: utf8(text) });
      expect((await witnessOn().add(body)).status).equal(403);
    }
    for (const body of [
      '',
      'old 7\n',
      'old 07\n\nx',
      'new 7\n\nx',
      'old 0\nAAAA\n\nx',
      'old 0\n\nx',
    ]) {
      expect((await witnessOn().add(utf8(body))).status, JSON.stringify(body)).equal(400);
    }
    const larger = encodeWitnessRequest({ oldSize: 8, proof: [], note: noteOf(short) });
    expect((await witnessOn().add(larger)).status).equal(400);
  });

  it('has stored what it cosigned before it answers, and knows it after a restart', async () => {
    const full = new MemoryStore(0);
    let failure: unknown;
    await witnessOn(full)
      .add(request(short, 0))
      .catch((error: unknown) => (failure = error));
    expect(failure).instanceOf(Error);
    const store = new MemoryStore();
    await witnessOn(store).add(request(long, 0));
    expect((await witnessOn(store).add(request(other, 0))).body).equal('13\n');
    const [[kept, bytes] = ['', new Uint8Array()]] = [...store.files];
    store.files.set(
      kept,
      bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    );
    let damaged: unknown;
    await witnessOn(store)
      .add(request(long, 13))
      .catch((error: unknown) => (damaged = error));
    expect(damaged).property('code', 'damaged_file');
  });

  it('answers one after the other: of two histories at once it cosigns one', async () => {
    const witness = witnessOn();
    const answers = await Promise.all([long, other].map((files) => witness.add(request(files, 0))));
    expect(answers.map(({ status }) => status)).deep.equal([200, 409]);
  });

  it('reads the request of the specification', () => {
    const body = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
    const read = decodeWitnessRequest(utf8(body));
    expect([read.oldSize, read.proof.length]).deep.equal([20_852_014, 4]);
    expect(fromUtf8(encodeWitnessRequest(read))).equal(body);
  });

  describe('asked by a node over HTTP', () => {
    const closing: (() => Promise<void> | void)[] = [];
    after(async () => {
      for (const close of closing) await close();
    });

    const served = async (witness: LogWitness): Promise<string> => {
      const server = await serveWitness({
        add: (body) => witness.add(body),
        ...{ about: 'a witness\n', host: '127.0.0.1', port: 0, clock: systemClock() },
        onError: () => undefined,
      });
      closing.push(() => server.close());
      return server.url;
    };
    const clientOf = (url: string, files: LogFiles, store = new MemoryStore()): WitnessClient => {
      const vkey = formatVkey({ name, type: 4, publicKey: signer.publicKey });
      const witnesses = outsideWitnesses({ ...witnessDefaults, ask: [`${url} ${vkey}`] });
      return new WitnessClient(witnesses, {
        log: directoryOf(files),
        store,
        post: postBytes,
        clock,
      });
    };

    it('cosigns what grows, whoever it was that asked last, and the note is kept', async () => {
      const witness = witnessOn();
      const url = await served(witness);
      const store = new MemoryStore();
      const files: LogFiles = new Map(short);
      const client = clientOf(url, files, store);
      const good = { name, atMs: clock.nowMs(), problem: null };
      expect(await client.submit()).deep.equal([{ ...good, size: 7 }]);
      files.clear();
      for (const [path, bytes] of long) files.set(path, bytes);
      expect(await client.submit()).deep.equal([{ ...good, size: 13 }]);
      const { text, signatures } = parseNote(store.files.get(outsideNoteName(witness.key))!);
      expect(text).equal(parseNote(noteOf(long)).text);
      expect(signatures.some((line) => verifyNoteSignature(text, line, witness.key))).equal(true);
      // A node that knows nothing of it learns the size from the answer 409.
      expect(await clientOf(url, long).submit()).deep.equal([{ ...good, size: 13 }]);
    });

    it('tells why one did not: another history, another key, no answer, nonsense', async () => {
      const url = await served(witnessOn());
      await clientOf(url, long).submit();
      const problemOf = async (client: WitnessClient): Promise<string | null | undefined> =>
        (await client.submit())[0]?.problem;
      expect(await problemOf(clientOf(url, other))).contain('two histories');
      expect(await problemOf(clientOf(url, short))).contain('old copy');
      expect(await problemOf(clientOf('http://127.0.0.1:1/', long))).contain('does not answer');
      const liar = new LogWitness(new MemoryStore(), {
        ...{ name, clock, logs: parsePolicy(short.get(policyName)!).logs },
        signer: generateEd25519(sha256(utf8('somebody else'))),
      });
      expect(await problemOf(clientOf(await served(liar), long))).contain('is the key right?');
      const odd = createServer((_, response) => response.writeHead(500).end('\u001b[2J gone'));
      await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
      closing.push(() => {
        odd.close();
      });
      const at = `http://127.0.0.1:${(odd.address() as AddressInfo).port}/`;
      const told = await problemOf(clientOf(at, long));
      expect(told).contain('got 500').and.not.contain('\u001b');
    });

    it('is too large to be read above its limit', async () => {
      const url = await served(witnessOn());
      const sent = await fetch(`${url}add-checkpoint`, {
        method: 'POST',
        body: 'x'.repeat(2 ** 18),
      });
      expect(sent.status).equal(413);
      expect((await fetch(`${url}add-checkpoint`)).status).equal(404);
    });
  });

  it('is named in node.yaml by address and key', () => {
    const vkey = formatVkey({ name, type: 4, publicKey: signer.publicKey });
    const logKey = formatVkey({ name, type: 1, publicKey: signer.publicKey });
    const bad = (ask: string[]) => () => {
      validateWitnessSettings({ ...witnessDefaults, ask });
    };
    expect(bad([`https://w.example ${vkey}`])).not.throw();
    for (const [ask, words] of [
      [['https://w.example'], 'the address and the key of a witness'],
      [[`http://w.example ${vkey}`], 'expected https://host/path/'],
      [[`https://w.example ${logKey}`], 'cosignature/v1'],
      [[`https://w.example ${vkey}`, `https://v.example ${vkey}`], 'each witness once'],
    ] as const) {
      expect(bad([...ask])).throw(words);
    }
  });
});
