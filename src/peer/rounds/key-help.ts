/**
 * Keys for those whom an author shut out: it may seal its update to some members only, and those who could open it hand
 * the key on. Between two ticks one key is handed to each member and one of each is tried, whatever they send.
 */
import { base64, fromBase64, type Digest, type NodeId } from '../../base/index.ts';
import type { UpdateBook } from '../../gossip/index.ts';
import { handOverKey } from '../../wire/index.ts';
import type { RoundContext } from '../round-protocol.ts';
import type { HoldsMessage, KeyMessage } from './update-messages.ts';
import type { SideWork } from './side-work.ts';
import type { Opening } from './update-opening.ts';

/** What of a round the help with keys needs. */
export type KeyHelpContext = Pick<
  RoundContext,
  'consortium' | 'self' | 'open' | 'ports' | 'send' | 'post'
>;

/** What `KeyHelp` works with. */
export interface KeyHelpParts {
  readonly book: UpdateBook;
  readonly opening: Pick<Opening, 'open'>;
  readonly work: SideWork;
  /** An update that was locked is open. */
  readonly onOpened: (env: Digest, key: Uint8Array) => void;
}

/** See the file's header. */
export class KeyHelp {
  readonly #context: KeyHelpContext;
  readonly #parts: KeyHelpParts;
  readonly #helped = new Set<NodeId>();
  readonly #tried = new Set<NodeId>();

  constructor(context: KeyHelpContext, parts: KeyHelpParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** A tick has passed. */
  renew(): void {
    this.#helped.clear();
    this.#tried.clear();
  }

  /** Hands a key to a member that lacks one and says so. */
  help(member: NodeId, { locked }: Pick<HoldsMessage, 'locked'>): void {
    const { consortium, self, open, ports, send, post } = this.#context;
    const { book, work } = this.#parts;
    const env = locked.find((one) => book.keyOf(one) !== null);
    if (env === undefined || this.#helped.has(member)) return;
    const to = consortium.manifest.members.find(({ id }) => id === member);
    if (to === undefined) return;
    const [facts, key] = [book.facts(env), book.keyOf(env)];
    if (facts === null || key === null) return;
    this.#helped.add(member);
    work.run('a key was not handed on', async () => {
      const sealed = await handOverKey(facts.statement, self, to, key, ports.crypto.sealing);
      post(() => {
        send(member, { t: 'key', r: open.r, env, sealed: base64(sealed) });
      });
    });
  }

  /** Tries a key that a member handed over. */
  tryKey(from: NodeId, { env, sealed }: KeyMessage): void {
    const { book, opening, work, onOpened } = this.#parts;
    const facts = book.facts(env);
    const bytes = fromBase64(sealed);
    if (facts === null || bytes === null || book.stateOf(env) !== 'locked') return;
    if (this.#tried.has(from)) return;
    this.#tried.add(from);
    work.run('a key was not tried', async () => {
      const key = await opening.open(facts, { from, sealed: bytes });
      if (key === null) return;
      this.#context.post(() => {
        if (book.stateOf(env) === 'locked') onOpened(env, key);
      });
    });
  }
}
