/** Ports to the world. The core takes them as arguments; `host` and `simulate` provide them. */

/** Cancels a timer; calling it twice does nothing. */
export type CancelTimer = () => void;

/** Time as one machine sees it. */
export interface Clock {
  /** Milliseconds since 1970, never falling. */
  nowMs(): number;
  /** Calls `fire` once, `delayMs` from now, unless cancelled. */
  setTimer(delayMs: number, fire: () => void): CancelTimer;
}

/** Seeded chance. Not for keys: those come from `crypto`. */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, 1) with 53 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** An independent stream that depends on this one's seed and `label` only, not on draws made. */
  fork(label: string): Random;
}

/**
 * Durable named byte strings of one node. Names are `/`-separated segments of `[A-Za-z0-9._-]`,
 * no segment `.` or `..`. A write that returned is on the disk (fsync of file and folder).
 */
export interface Store {
  /** `null` when absent. */
  read(name: string): Promise<Uint8Array | null>;
  /** Replaces the whole value or leaves the old one, never a mixture. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end, creating the value if absent. Durable when it resolves. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  has(name: string): Promise<boolean>;
  /** Size in bytes; `null` when absent. */
  size(name: string): Promise<number | null>;
  /** Bytes `[offset, offset + length)` without the rest, fewer at its end; `null` when absent. */
  readPart(name: string, offset: number, length: number): Promise<Uint8Array | null>;
  /**
   * Writes into a value at `offset`, creating it and making it longer where needed, with zeros in between. Not durable before
   * `sync`: after a crash any of it may be missing. `bytes` may be used again when it resolves.
   */
  writePart(name: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** Makes durable what `writePart` wrote. Does nothing when absent. */
  sync(name: string): Promise<void>;
  /** A value too large for one piece of memory, written from its beginning; nothing is seen of it before `commit`. */
  create(name: string): Promise<StoreWriter>;
  /** Gives a value another name, replacing what had it. False, and nothing done, when there is no value `from`. */
  move(from: string, to: string): Promise<boolean>;
  /** Names that begin with `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Does nothing when absent. */
  remove(name: string): Promise<void>;
}

/** A value under way into a `Store`. Its owner ends it with `commit` or `discard`; a crash discards it. */
export interface StoreWriter {
  /** Adds to the end. `bytes` may be used again when it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Gives the value its name, as `Store.write` does: durable when it resolves. */
  commit(): Promise<void>;
  /** Gives up what was written; does nothing after `commit` or another `discard`. */
  discard(): Promise<void>;
}

/** `debug` for who looks into a fault, `warn` for what heals by itself, `error` for what somebody must see to. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Never patient data, keys or raw network bytes. */
export interface Logger {
  log(level: LogLevel, message: string, facts?: Readonly<Record<string, string | number>>): void;
}
