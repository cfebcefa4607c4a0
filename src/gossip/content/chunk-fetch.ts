/**
 * One large blob from whoever has it, different chunks from several members at once. Who holds it says so by its list of
 * chunks; members with one list belong together, and only they are asked for chunks of it. So a false chunk convicts the
 * member that sent it, a false list all that gave it (when the whole does not have its digest), and neither an honest one.
 *
 * Nothing here waits by the clock: one more member is asked whenever some chunks came, or when the caller says so.
 */
import { invariant, type Digest, type NodeId } from '../../base/index.ts';
import { TransportError, type Transport } from '../../wire/index.ts';
import type { ChunkBuffers } from './chunk-buffers.ts';
import { ChunkFile, type ChunkDisk, type ChunkRun } from './chunk-file.ts';
import { decodeList, listBytes, listKey, listName, type ChunkList } from './chunk-list.ts';
import { untilAborted } from './until-aborted.ts';

/** Chunks asked for at once: all that is asked for waits before whatever comes later on the same line. */
const runChunks = 4;
/** Requests to one member at a time: while one is answered, the next is on its way. */
const runsMax = 2;
/** Members asked at a time. */
const sourcesMax = 4;
/** One more member is asked whenever so many chunks came. */
const widenChunks = 16;

/** Chunks over the life of a store. */
export interface ChunkCounts {
  /** Asked for; chunks of a request that broke off before they came count again when they are asked for again. */
  asked: number;
  /** Came, were checked and are on the disk. */
  arrived: number;
  /** Asked for although they had arrived: the disk lost them. */
  askedAgain: number;
  /** Came and were false. */
  refused: number;
}

/** What a fetch works with. */
export interface ChunkPorts {
  readonly disk: ChunkDisk;
  readonly transport: Pick<Transport, 'fetch' | 'charge'>;
  readonly buffers: ChunkBuffers;
  readonly counts: ChunkCounts;
  /** Told before the first byte is written; a fetch that changes the list tells again. */
  readonly sized: (bytes: number) => Promise<void>;
  readonly signals: PeerSignals;
}

/** Ends all that is under way with one member. */
export class PeerSignals {
  readonly #controllers = new Map<NodeId, AbortController>();

  of(peer: NodeId): AbortSignal {
    const controller = this.#controllers.get(peer) ?? new AbortController();
    this.#controllers.set(peer, controller);
    return controller.signal;
  }

  abort(peer: NodeId): void {
    this.#controllers.get(peer)?.abort('not wanted');
    this.#controllers.delete(peer);
  }

  abortAll(): void {
    for (const peer of [...this.#controllers.keys()]) this.abort(peer);
  }
}

/** A member that is asked for chunks. */
interface Source {
  /** Requests that it answers now. */
  running: number;
  /** And how many it is given at a time: one when a second broke off. */
  runsMax: number;
}

/** Members that gave the same list. */
interface Group {
  readonly list: ChunkList;
  /** All that gave it. */
  readonly givers: Set<NodeId>;
  /** Those who are asked for chunks in this turn. */
  readonly sources: Map<NodeId, Source>;
}

/** See the file's header. */
export class ChunkFetch {
  readonly #ports: ChunkPorts;
  readonly #digest: Digest;
  readonly #bytesMax: number;
  readonly #groups = new Map<string, Group>();
  readonly #liars = new Set<NodeId>();
  /** Files by the key of their list: with two lists of one blob there are two. */
  readonly #files = new Map<string, ChunkFile>();
  #current: Group | null = null;
  #candidates: NodeId[] = [];
  #wanted: number = sourcesMax;
  /** Things under way, and how many of them are members asked for their list. */
  #busy = 0;
  #asking = 0;
  #arrived = 0;
  #isJudging = false;
  #turn: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;
  #found: ChunkFile | null = null;
  /** Requests made, and why the last one that failed did. */
  asked = 0;
  cause: unknown;

  /** @param bytesMax a larger blob is not taken */
  constructor(ports: ChunkPorts, digest: Digest, bytesMax: number) {
    this.#ports = ports;
    this.#digest = digest;
    this.#bytesMax = bytesMax;
  }

  /**
   * Asks each of `peers` once, until one or several of them gave all of it.
   *
   * @param wanted how many are asked at once to begin with
   * @returns the whole blob, its digest checked; null when they did not give it. What came is kept.
   * @throws what the disk throws
   */
  async turn(peers: readonly NodeId[], wanted: number): Promise<ChunkFile | null> {
    this.#candidates = [...peers];
    this.#wanted = Math.min(wanted, sourcesMax);
    // Who broke off in the last turn is asked again.
    for (const group of this.#groups.values()) group.sources.clear();
    await new Promise<void>((resolve, reject) => {
      this.#turn = { resolve, reject };
      this.#fill();
    });
    return this.#found;
  }

  /** Asks `first` too, now, and `shunned` no more in this turn. */
  hasten(first: NodeId, shunned: NodeId): void {
    for (const { sources } of this.#groups.values()) sources.delete(shunned);
    this.#ports.signals.abort(shunned);
    const others = this.#candidates.filter((peer) => peer !== first && peer !== shunned);
    const isSource = this.#current?.sources.has(first) === true;
    this.#candidates = isSource ? others : [first, ...others];
    this.#wanted = Math.min(this.#wanted + 1, sourcesMax);
    this.#fill();
  }

  /** Starts all that can be started; ends the turn when nothing is under way. */
  #fill(): void {
    if (this.#turn === null || this.#found !== null) return;
    this.#current = this.#largest();
    while (this.#asking + (this.#current?.sources.size ?? 0) < this.#wanted) {
      const peer = this.#candidates.shift();
      if (peer === undefined) break;
      if (!this.#liars.has(peer)) this.#do(() => this.#ask(peer));
    }
    if (this.#current !== null && !this.#isJudging) this.#fillRuns(this.#current);
    if (this.#busy === 0) this.#endTurn();
  }

  /** The list that most members stand by; the one that is followed already, if others have no more. */
  #largest(): Group | null {
    let largest = this.#current;
    for (const group of this.#groups.values()) {
      if (largest === null || group.sources.size > largest.sources.size) largest = group;
    }
    return largest;
  }

  #fillRuns(group: Group): void {
    const file = this.#fileOf(group);
    if (file.isWhole) {
      this.#isJudging = true;
      this.#do(() => this.#judge(group, file));
      return;
    }
    for (let runs = 0; runs < runsMax; runs++) {
      for (const [peer, source] of group.sources) {
        if (source.running > runs || source.running >= source.runsMax) continue;
        const run = file.take(runChunks);
        if (run === null) return;
        source.running += 1;
        this.#do(() => this.#run(group, file, peer, run));
      }
    }
  }

  #endTurn(): void {
    const turn = this.#turn;
    this.#turn = null;
    turn?.resolve();
  }

  /** Has something under way; what it throws is the disk's fault or our own, and ends all. */
  #do(work: () => Promise<void>): void {
    this.#busy += 1;
    work()
      .finally(() => (this.#busy -= 1))
      .then(() => {
        this.#fill();
      })
      .catch((error: unknown) => {
        const turn = this.#turn;
        this.#turn = null;
        turn?.reject(error);
        this.#ports.signals.abortAll();
      });
  }

  /** Whether a member holds the blob, and as what. */
  async #ask(peer: NodeId): Promise<void> {
    this.asked += 1;
    this.#asking += 1;
    const { bytesOfChunk } = this.#ports.buffers;
    try {
      const maxBytes = listBytes(this.#bytesMax, bytesOfChunk);
      const bytes = await this.#collect(peer, listName(this.#digest), maxBytes);
      const list = bytes === null ? null : decodeList(bytes, bytesOfChunk);
      if (bytes === null) return;
      if (list === null || list.totalBytes > this.#bytesMax) {
        this.#blame(peer, 'a list of chunks that is none, or of another blob');
        return;
      }
      await this.#join(list, peer);
    } finally {
      this.#asking -= 1;
    }
  }

  async #collect(peer: NodeId, name: Digest, maxBytes: number): Promise<Uint8Array | null> {
    const signal = this.#ports.signals.of(peer);
    const options = { offset: 0, length: null, maxBytes, signal };
    const pieces: Uint8Array[] = [];
    try {
      const stream = this.#ports.transport.fetch(peer, name, options);
      for await (const piece of untilAborted(stream, signal, peer)) pieces.push(piece);
    } catch (error) {
      this.#note(error);
      return null;
    }
    return new Uint8Array(Buffer.concat(pieces));
  }

  /** A member gave this list; the list that most gave is followed. */
  async #join(list: ChunkList, peer: NodeId): Promise<void> {
    const key = listKey(list);
    if (!this.#files.has(key)) {
      await this.#ports.sized(list.totalBytes);
      const { disk, buffers } = this.#ports;
      const file = await ChunkFile.open(disk, this.#digest, list, buffers);
      if (!this.#files.has(key)) this.#files.set(key, file);
    }
    // Not before its file is there: whatever ends meanwhile may begin to follow any list that it sees.
    const group = this.#groups.get(key) ?? {
      ...{ list, givers: new Set<NodeId>(), sources: new Map<NodeId, Source>() },
    };
    this.#groups.set(key, group);
    group.givers.add(peer);
    group.sources.set(peer, { running: 0, runsMax });
  }

  /** Some chunks from one member. */
  async #run(group: Group, file: ChunkFile, peer: NodeId, run: ChunkRun): Promise<void> {
    const { transport, counts, signals, buffers } = this.#ports;
    this.asked += 1;
    counts.asked += run.end - run.first;
    let index = run.first;
    const { offset, length } = file.range(run);
    const signal = signals.of(peer);
    const options = { offset, length, maxBytes: length, signal };
    const stream = transport.fetch(peer, this.#digest, options);
    const chunks = cut(untilAborted(stream, signal, peer), buffers);
    try {
      for (; index < run.end; index++) {
        const chunk = await nextOf(chunks);
        if (chunk instanceof TransportError) {
          this.#note(chunk);
          const source = group.sources.get(peer);
          // It may be busy with others of our requests: one at a time then.
          if (source !== undefined && source.running > 1) source.runsMax = 1;
          else group.sources.delete(peer);
          return;
        }
        if (chunk === null || !(await file.add(index, chunk))) {
          counts.refused += 1;
          this.#blame(peer, 'a chunk that is not what its own list says');
          return;
        }
        this.#came();
      }
      // To the very end, or the transport would take it for given up.
      await nextOf(chunks);
    } finally {
      await chunks.return();
      if (index < run.end) file.giveBack({ first: index, end: run.end });
      const source = group.sources.get(peer);
      if (source !== undefined) source.running = Math.max(0, source.running - 1);
    }
  }

  #came(): void {
    this.#ports.counts.arrived += 1;
    this.#arrived += 1;
    if (this.#arrived % widenChunks !== 0) return;
    this.#wanted = Math.min(this.#wanted + 1, sourcesMax);
    this.#fill();
  }

  /** All chunks are there: is the whole what was asked for? */
  async #judge(group: Group, file: ChunkFile): Promise<void> {
    try {
      if ((await file.digest()) === this.#digest) {
        this.#found = file;
        this.#endTurn();
        return;
      }
      const count = file.count;
      await file.lookOver();
      // The disk lost some of it: they are asked for once more.
      if (!file.isWhole) {
        this.#ports.counts.askedAgain += count - file.count;
        return;
      }
      for (const peer of group.givers) {
        this.#blame(peer, 'a list of chunks that is false: the whole does not have its hash');
      }
      this.#groups.delete(listKey(group.list));
      this.#files.delete(listKey(group.list));
      this.#current = null;
      await file.discard();
    } finally {
      this.#isJudging = false;
    }
  }

  #blame(peer: NodeId, refusal: string): void {
    this.#liars.add(peer);
    this.cause = new Error(`${peer} gave ${refusal}`);
    for (const { sources } of this.#groups.values()) sources.delete(peer);
    this.#ports.signals.abort(peer);
    this.#ports.transport.charge(peer, { signatures: 0, refusal });
  }

  /** A mishap of the network; anything else is passed on. */
  #note(error: unknown): void {
    if (!(error instanceof TransportError)) throw error;
    this.cause = error;
  }

  #fileOf({ list }: Group): ChunkFile {
    const file = this.#files.get(listKey(list));
    invariant(file !== undefined, 'a list that is followed has a file');
    return file;
  }
}

/** The stream in pieces of a chunk, the last one perhaps shorter. */
async function* cut(
  stream: AsyncIterable<Uint8Array>,
  buffers: ChunkBuffers,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bytesOfChunk } = buffers;
  let chunk = buffers.take();
  let filled = 0;
  for await (let piece of stream) {
    while (piece.byteLength > 0) {
      const part = piece.subarray(0, bytesOfChunk - filled);
      chunk.set(part, filled);
      filled += part.byteLength;
      piece = piece.subarray(part.byteLength);
      if (filled < bytesOfChunk) continue;
      yield chunk;
      chunk = buffers.take();
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
  else buffers.giveBack(chunk);
}

/** The next chunk; null at the end, the error when the transport broke off. */
async function nextOf(
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
): Promise<Uint8Array | TransportError | null> {
  try {
    const next = await chunks.next();
    return next.done === true ? null : next.value;
  } catch (error) {
    if (error instanceof TransportError) return error;
    throw error;
  }
}
