/** A real run in small, by peers in one process, as files: then changed in the ways a copy may be changed. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RunVerdict } from '../../src/audit/index.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import type { World } from '../../src/cli/world.ts';
import { toyMembers as members, writeToyRun } from '../peer/toy-run.ts';
import { plainRule } from '../wire/sample-stage.ts';

interface Told {
  readonly code: number;
  readonly out: string;
}

async function audit(...args: readonly string[]): Promise<Told> {
  let out = '';
  const world: World = {
    out: (text) => (out += text),
    err: (text) => (out += text),
    isLive: false,
    erase: () => undefined,
    columns: 100,
    nowMs: () => 0,
    ...{ dateMs: () => 0, env: {}, terminal: null },
    signal: new AbortController().signal,
    mainJob: () => Promise.reject(new Error('not asked')),
    reproduce: () => Promise.reject(new Error('not asked')),
    predict: () => Promise.reject(new Error('not asked')),
  };
  return { code: await runCommandLine(['audit', 'verify', ...args], world), out };
}

describe('annulus audit verify', () => {
  const top = mkdtempSync(join(tmpdir(), 'annulus-audit-'));
  const original = join(top, 'original');
  let copies = 0;
  let sealed = '';
  /** What decisions name, by round. */
  const updates: { round: number; author: string; digest: string }[] = [];

  before(async () => {
    sealed = await writeToyRun(original);
    for (const file of readdirSync(join(original, 'nodes/L1/log/decisions'))) {
      const text = readFileSync(join(original, 'nodes/L1/log/decisions', file), 'utf8');
      const { body } = JSON.parse(text) as {
        body: {
          ops: {
            op: string;
            r: number;
            updates?: { peer: string; upd: string }[];
          }[];
        };
      };
      for (const op of body.ops) {
        for (const { peer, upd } of op.updates ?? []) {
          updates.push({ round: op.r, author: peer, digest: upd });
        }
      }
    }
  });

  after(() => {
    rmSync(top, { recursive: true });
  });

  function copy(): string {
    copies += 1;
    const folder = join(top, `copy-${copies}`);
    cpSync(original, folder, { recursive: true });
    return folder;
  }

  function flip(path: string): void {
    const bytes = readFileSync(path);
    bytes[bytes.byteLength >> 1]! ^= 1;
    writeFileSync(path, bytes);
  }

  const blob = (folder: string, node: string, digest: string): string =>
    join(folder, 'nodes', node, 'blobs', digest);

  /** The text must hold each of `words`, and count one finding. */
  async function expectOne(folder: string, ...words: readonly string[]): Promise<void> {
    const { code, out } = await audit(folder);
    expect(code, out).equals(1);
    for (const word of words) expect(out).contains(word);
    expect(out.trimEnd().split('\n').at(-1)).equals('NOT VERIFIED: 1 finding');
  }

  it('accepts a whole run, and says what it did not check', async () => {
    const { code, out } = await audit(original);
    expect(code, out).equals(0);
    expect(out)
      .contains(`model/      of round 5, ${sealed}`)
      .and.contains('that a sealed model is the average of its updates')
      .and.contains('report.html, record.json and run.json')
      .and.contains("VERIFIED: 4 of 4 members' logs");
    const json = JSON.parse((await audit(original, '--format', 'json')).out) as RunVerdict;
    expect(json).deep.include({ ok: true, missing: [], members: 4, findings: [] });
    expect(json.logs.map(({ verdict }) => verdict.keptBy)).deep.equals(members);
  });

  it('accepts one node, and says that it saw no other', async () => {
    const { code, out } = await audit(join(original, 'nodes/L3'));
    expect(code, out).equals(0);
    expect(out).contains("the other members' copies");
    const log = await audit(join(original, 'nodes/L3/log'));
    expect(log.code).equals(0);
    expect(log.out).contains('updates and models: only a log was given');
  });

  it('says nothing of a model/ that a test network has in its homes, and misses that of a run', async () => {
    const folder = copy();
    rmSync(join(folder, 'model'), { recursive: true });
    const run = await audit(folder);
    expect([run.code, run.out.includes('note: no model/ is here')], run.out).deep.equal([0, true]);
    for (const id of members) {
      mkdirSync(join(folder, id, 'home'), { recursive: true });
      renameSync(join(folder, 'nodes', id), join(folder, id, 'home', 'node'));
      writeFileSync(join(folder, id, 'home', 'home.json'), JSON.stringify({ id }));
    }
    writeFileSync(join(folder, 'testnet.json'), '{}');
    const net = await audit(folder);
    expect(net.code, net.out).equals(0);
    expect(net.out)
      .contains("the model/ in each member's home")
      .and.contains("VERIFIED: 4 of 4 members' logs")
      .and.not.contains('no model/ is here');
  });

  it('misses a member whose folder is not there, unless that is allowed', async () => {
    const folder = copy();
    rmSync(join(folder, 'nodes/L3'), { recursive: true });
    await expectOne(folder, "3 of 4 members' logs, L3 is not here");
    const allowed = await audit(folder, '--allow-missing');
    expect(allowed.code, allowed.out).equals(0);
    expect(allowed.out).contains("note: 3 of 4 members' logs, L3 is not here");
    rmSync(join(folder, 'nodes/L1/log'), { recursive: true });
    await expectOne(folder, "2 of 4 members' logs, L1 L3 are not here");
  });

  it('finds two folders exchanged, and two logs', async () => {
    const folders = copy();
    renameSync(join(folders, 'nodes/L1'), join(folders, 'nodes/x'));
    renameSync(join(folders, 'nodes/L2'), join(folders, 'nodes/L1'));
    renameSync(join(folders, 'nodes/x'), join(folders, 'nodes/L2'));
    const swapped = await audit(folders);
    expect(swapped.code).equals(1);
    expect(swapped.out)
      .contains('the copy of L2, by its log key, and lies in the folder of L1')
      .and.contains('the copy of L1, by its log key, and lies in the folder of L2')
      .and.contains('NOT VERIFIED: 2 findings');
    const logs = copy();
    renameSync(join(logs, 'nodes/L1/log'), join(logs, 'nodes/x'));
    cpSync(join(logs, 'nodes/L2/log'), join(logs, 'nodes/L1/log'), { recursive: true });
    const copied = await audit(logs);
    expect(copied.out)
      .contains('the copy of L2, by its log key, and lies in the folder of L1')
      .and.contains('witness/last-cosigned: it is not cosigned by L2, whose log this is');
    expect((await audit(join(logs, 'nodes/L1'))).code).equals(1);
  });

  it('finds a changed, exchanged or described otherwise model', async () => {
    const changed = copy();
    flip(join(changed, 'model/model.safetensors'));
    await expectOne(changed, 'WRONG model/model.safetensors: it is the model', 'of round 5');
    const older = copy();
    const earlier = new Set(readdirSync(join(older, 'nodes/L1/blobs')));
    // Models are the largest blobs that are neither updates nor envelopes; the one of an earlier round.
    const digest = [...earlier].find(
      (name) => name !== sealed && readFileSync(blob(older, 'L1', name)).includes('F32'),
    )!;
    cpSync(blob(older, 'L1', digest), join(older, 'model/model.safetensors'));
    await expectOne(older, `it is the model ${digest}; the last SEAL, of round 5, is of ${sealed}`);
    const described = copy();
    writeFileSync(
      join(described, 'model/model.json'),
      JSON.stringify({ digest: sealed, spec: { a: 1 } }),
    );
    await expectOne(described, 'its spec is not the model of the stage student in the plan');
    const without = copy();
    rmSync(join(without, 'model/model.safetensors'));
    await expectOne(without, 'model/model.safetensors: the file is missing');
  });

  it("holds the model in a node's home against its log, and passes over an earlier round's", async () => {
    const folder = copy();
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(join(home, 'home.json'), '{"id":"L1"}');
    renameSync(join(folder, 'nodes/L1'), join(home, 'node'));
    const without = await audit(home);
    expect(without.code, without.out).equals(0);
    expect(without.out).contains("the other members' copies, and the exported model");
    cpSync(join(folder, 'model'), join(home, 'model'), { recursive: true });
    const whole = await audit(home);
    expect(whole.code, whole.out).equals(0);
    expect(whole.out)
      .contains(`model/      of round 5, ${sealed}`)
      .and.contains("the other members' copies: give");
    // Written when a stage was complete, and that stage was opened again.
    const blobs = join(home, 'node/blobs');
    const earlier = readdirSync(blobs).find(
      (name) => name !== sealed && readFileSync(join(blobs, name)).includes('F32'),
    )!;
    cpSync(join(blobs, earlier), join(home, 'model/model.safetensors'));
    writeFileSync(join(home, 'model/model.json'), JSON.stringify({ digest: earlier, spec: {} }));
    const older = await audit(home);
    expect(older.code, older.out).equals(0);
    expect(older.out).match(/note: model\/ is of round \d; round 5 was sealed after it/);
    flip(join(home, 'model/model.safetensors'));
    const changed = await audit(home);
    expect(changed.code).equals(1);
    expect(changed.out).contains('WRONG model/model.safetensors: it is the model');
  });

  it('finds a changed blob, whatever its round', async () => {
    for (const round of [3, 5]) {
      const folder = copy();
      const { digest } = updates.find((update) => update.round === round)!;
      flip(blob(folder, 'L2', digest));
      await expectOne(folder, `blobs/${digest}: its bytes do not have the digest it is named by`);
    }
    const model = copy();
    flip(blob(model, 'L2', sealed));
    await expectOne(model, `blobs/${sealed}: its bytes`);
  });

  it('finds a deleted update at its author, and a deleted last model; what others lack of it is counted', async () => {
    for (const round of [3, 4, 5]) {
      const folder = copy();
      const { author, digest } = updates.find((update) => update.round === round)!;
      rmSync(blob(folder, author, digest));
      await expectOne(
        folder,
        `WRONG blobs: ${author} lacks what it must hold`,
        `the update of ${author} in round ${round}`,
      );
      const other = copy();
      rmSync(
        blob(
          other,
          members.find((id) => id !== author)!,
          digest,
        ),
      );
      expect((await audit(other)).code).equal(0);
    }
    const model = copy();
    rmSync(blob(model, 'L2', sealed));
    await expectOne(model, 'the last model of student');
    const all = copy();
    rmSync(join(all, 'nodes/L2/blobs'), { recursive: true });
    await expectOne(all, 'WRONG blobs: L2 lacks what it must hold');
  });

  it('lists what a node no longer keeps of older rounds, and finds nothing wrong with it', async () => {
    const folder = copy();
    for (const { round, digest } of updates)
      if (round <= 3) rmSync(blob(folder, 'L2', digest), { force: true });
    const { code, out } = await audit(folder);
    expect(code, out).equals(0);
    expect(out).contains('not kept: updates of rounds 1 to 3');
    // A gap in between is no pruning.
    const gap = copy();
    for (const { round, digest } of updates) if (round === 4) rmSync(blob(gap, 'L2', digest));
    await expectOne(gap, 'in round 4');
  });

  it('follows rounds in shards, whose updates are lists of blobs', async () => {
    const run = join(top, 'sharded');
    await writeToyRun(run, 50, { ...plainRule, kind: 'sharded', reducers: 3 });
    const { code, out } = await audit(run);
    expect(code, out).equals(0);
    const names = readdirSync(join(run, 'nodes/L1/blobs'));
    const listed = names.flatMap((name) => {
      const text = readFileSync(join(run, 'nodes/L1/blobs', name), 'utf8');
      if (!text.startsWith('{"shards"')) return [];
      return [(JSON.parse(text) as { shards: { digest: string }[] }).shards];
    });
    // L1 adds up three of four shards; of its own update it holds the fourth as well.
    const own = listed.filter((shards) => shards.every(({ digest }) => names.includes(digest)));
    expect(own.length).to.be.at.least(1);
    const [shard] = own.at(-1)!;
    rmSync(join(run, 'nodes/L1/blobs', shard!.digest));
    await expectOne(run, 'L1 lacks what it must hold: shard 0 of its update in round');
  });

  it('finds two histories, at whatever height each log ends', async () => {
    const folder = copy();
    const other = join(top, 'other');
    await writeToyRun(other, 400);
    rmSync(join(folder, 'nodes/L4'), { recursive: true });
    renameSync(join(other, 'nodes/L4'), join(folder, 'nodes/L4'));
    const { code, out } = await audit(folder);
    expect(code).equals(1);
    expect(out).contains('a quorum signed two histories');
  });
});
