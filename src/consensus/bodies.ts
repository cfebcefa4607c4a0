/** Bodies by their digest: asked for where a certificate names one that is not here, and given to those who ask. */
import { base64, fromBase64, invariant, type Digest, type NodeId } from '../base/index.ts';
import { digestOf } from '../crypto/index.ts';
import type { Certificate } from '../wire/index.ts';
import type { MachineState } from './machine-state.ts';

/** Bodies of the height under decision. */
export class Bodies {
  readonly #state: MachineState;

  constructor(state: MachineState) {
    this.#state = state;
  }

  /** Asks for the body `x` that `certificate` names, once until the next retransmission. */
  want(x: Digest, certificate: Certificate): void {
    const { wanted } = this.#state.now;
    if (wanted.has(x)) return;
    wanted.set(x, certificate);
    this.#ask(x, certificate);
  }

  /** R7: asks again for what did not come. */
  askAgain(): void {
    for (const [x, certificate] of this.#state.now.wanted) this.#ask(x, certificate);
  }

  /** Another member asks. */
  onGetBody(from: NodeId, x: Digest): void {
    const body = this.#state.now.bodies.get(x);
    if (body === undefined) return;
    this.#state.out.reply(from, { ...this.#state.common(), t: 'BODY', body: base64(body) });
  }

  /** An answer; what nobody asked for is passed over. */
  onBody(text: string): void {
    const { wanted, bodies } = this.#state.now;
    const body = bytesOf(text);
    const x = digestOf(body);
    if (wanted.delete(x)) bodies.set(x, body);
  }

  /** f+1 of those who signed for a body: an honest one has it on its disk. */
  #ask(x: Digest, { sigs }: Certificate): void {
    const { self, faultMax, options, out } = this.#state;
    const others = sigs.filter(([index]) => index !== self);
    const count = Math.min(others.length, faultMax + 1);
    const first = options.random.integer(Math.max(1, others.length));
    for (let k = 0; k < count; k++) {
      const index = others[(first + k) % others.length]?.[0] ?? -1;
      const member = options.members[index];
      if (member !== undefined) out.send(member.id, { ...this.#state.common(), t: 'GETBODY', x });
    }
  }
}

/** The bytes of a field that the reader has checked. */
export function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64(text);
  invariant(bytes !== null, 'the reader checked base64');
  return bytes;
}
