/** A whole consortium's logs after some rounds: real envelopes, certificates and cosignatures. */
import { base64, utf8, type NodeId, type RoundNumber, type Digest } from '../../src/base/index.ts';
import { openConsortiumLog, type ConsortiumLog } from '../../src/audit/consortium-log.ts';
import { leavesOf } from '../../src/audit/log-files.ts';
import type { LogDirectory } from '../../src/audit/verify-log-directory.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  openDigest,
  signUpdateStatement,
  type BlockBody,
  type CutUpdate,
  type Op,
  type Open,
  type UpdateStatement,
} from '../../src/wire/index.ts';
import { bodyOf, certify, makeConsortium, open, type TestConsortium } from './consortium.ts';
import { MemoryStore } from './memory-store.ts';

export interface SampleOptions {
  readonly memberCount?: number;
  /** 'sealed' all take part; 'absent' the last member does not; 'void' ends without a model. */
  readonly rounds?: readonly ('sealed' | 'absent' | 'void')[];
  /** A stage without rounds comes first in the plan. */
  readonly hasIdleStage?: boolean;
  /** Heights appended after the last checkpoint was cosigned. */
  readonly isUncosigned?: boolean;
  /** Changes a body before `log` is computed and the body is certified: a consortium that agrees on it. */
  readonly warp?: (body: Omit<BlockBody, 'log'>) => Omit<BlockBody, 'log'>;
  /** Members that vote for the block of a height; a quorum where absent. */
  readonly votes?: (height: number) => number;
  /** Changes a statement before it is signed. */
  readonly warpStatement?: (statement: UpdateStatement) => UpdateStatement;
}

/** The files of one node's log, by name. */
export type LogFiles = Map<string, Uint8Array>;

export interface SampleLog {
  readonly consortium: TestConsortium;
  readonly files: LogFiles;
  readonly bodies: readonly BlockBody[];
}

export async function makeSampleLog(options: SampleOptions = {}): Promise<SampleLog> {
  const { memberCount = 4, hasIdleStage = false } = options;
  const consortium = makeConsortium(memberCount, 'test', hasIdleStage);
  const maker = new SampleMaker(consortium, options);
  await maker.start();
  for (const outcome of options.rounds ?? ['sealed', 'absent', 'void', 'sealed']) {
    await maker.round(outcome);
  }
  await maker.exchange();
  if (options.isUncosigned === true) await maker.round('sealed');
  return { consortium, files: maker.files(), bodies: maker.bodies };
}

/** A directory of files in memory. */
export function directoryOf(files: ReadonlyMap<string, Uint8Array>): LogDirectory {
  return {
    read: (name) => Promise.resolve(files.get(name) ?? null),
    list: () => Promise.resolve([...files.keys()].sort()),
  };
}

class SampleMaker {
  readonly bodies: BlockBody[] = [];
  readonly #consortium: TestConsortium;
  readonly #options: SampleOptions;
  readonly #stores: MemoryStore[];
  #logs: ConsortiumLog[] = [];
  #model: Digest = digestOf(utf8('initial model'));
  #round = 0;
  #sealed = 0;

  constructor(consortium: TestConsortium, options: SampleOptions) {
    this.#consortium = consortium;
    this.#options = options;
    this.#stores = consortium.members.map(() => new MemoryStore());
  }

  async start(): Promise<void> {
    this.#logs = await Promise.all(
      this.#consortium.members.map(({ id, keys }, i) =>
        openConsortiumLog(this.#stores[i]!, {
          consortium: this.#consortium.signed,
          self: id,
          logSigner: keys.log,
          witnessSigner: keys.witness,
          clock: { nowMs: () => 1_700_000_000_000 },
        }),
      ),
    );
  }

  async round(outcome: 'sealed' | 'absent' | 'void'): Promise<void> {
    this.#round += 1;
    const r = this.#round as RoundNumber;
    const ts = 1000 * (this.bodies.length + 1);
    const opened: Open = {
      ...open(this.#consortium, r, this.#model, this.#sealed),
      deadline: ts + 1000,
    };
    await this.#decide([opened], []);
    if (outcome === 'void') {
      await this.#decide([{ op: 'VOID', r, reason: 'too_few_updates' }], []);
      return;
    }
    const present = this.#consortium.members.slice(0, outcome === 'absent' ? -1 : undefined);
    const envelopes = present.map(({ id }, i) => this.#envelope(opened, id, 10 + i));
    const updates = present.map(({ id }, i) => this.#update(r, id, 10 + i, envelopes[i]!));
    await this.#decide([{ op: 'CUT', r, updates }], envelopes);
    this.#sealed += 1;
    this.#model = digestOf(utf8(`model ${r}`));
    const W = updates.reduce((sum, update) => sum + update.n, 0);
    await this.#decide([{ op: 'SEAL', r, agg: this.#model, W, metrics: {} }], []);
  }

  /** Everybody gets everybody's checkpoint. */
  async exchange(): Promise<void> {
    for (const log of this.#logs) {
      for (const other of this.#logs) {
        const note = other.checkpoint();
        if (note !== null) await log.addCosignatures(note);
      }
    }
  }

  /** The first member's files, names relative to `log/`. */
  files(): LogFiles {
    const files = [...this.#stores[0]!.files].filter(([name]) => name.startsWith('log/'));
    return new Map(files.map(([name, bytes]) => [name.slice('log/'.length), bytes]));
  }

  async #decide(ops: readonly Op[], envelopes: readonly Uint8Array[]): Promise<void> {
    const { height, body: prev } = this.#logs[0]!.head;
    const plain = bodyOf(this.#consortium, height + 1, prev, ops);
    const warped = this.#options.warp?.(plain) ?? plain;
    const body = { ...warped, log: this.#logs[0]!.rootAfter(leavesOf(warped, envelopes)) };
    this.bodies.push(body);
    const votes = this.#options.votes?.(body.h) ?? this.#consortium.quorum;
    const decision = { body, certificate: certify(this.#consortium, body, votes) };
    for (const log of this.#logs) await log.appendHeight(decision, envelopes);
  }

  #envelope(opened: Open, author: NodeId, weight: number): Uint8Array {
    const members = this.#consortium.members;
    const sealedKeys = Object.fromEntries(
      members.map(({ id }) => [id, base64(new Uint8Array(80))]),
    );
    const statement: UpdateStatement = {
      cid: this.#consortium.signed.cid,
      round: opened.r,
      author,
      open: openDigest(opened),
      base: opened.base,
      code: opened.code,
      dataset: digestOf(utf8(`data of ${author}`)),
      update: updateDigest(opened.r, author),
      updateBytes: 1000,
      weight,
      heads: {},
      metrics: {},
      sealedKeys,
      nodeLog: { log: 1, size: opened.r, root: digestOf(utf8(`own log ${opened.r}`)) },
    };
    const { log } = members.find(({ id }) => id === author)!.keys;
    return signUpdateStatement(this.#options.warpStatement?.(statement) ?? statement, log);
  }

  #update(r: RoundNumber, peer: NodeId, n: number, envelope: Uint8Array): CutUpdate {
    return { peer, env: digestOf(envelope), upd: updateDigest(r, peer), n };
  }
}

function updateDigest(r: number, author: NodeId): Digest {
  return digestOf(utf8(`ciphertext of ${author} in round ${r}`));
}
