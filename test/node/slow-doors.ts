/** Doors in front of members: a TCP proxy each that counts who dials, and lets every byte through late. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { openMember, pass, type TestMember } from './libp2p-cluster.ts';
import type { Libp2pTransport } from '../../src/node/index.ts';

/** One member's door. */
export class SlowDoor {
  dials = 0;
  readonly #port: number;
  readonly #delayMs: number;
  readonly #server: Server;
  readonly #inside = new Set<Socket>();

  /** `port` is where the member listens; what comes in and what goes out is `delayMs` late. */
  constructor(port: number, delayMs: number) {
    this.#port = port;
    this.#delayMs = delayMs;
    this.#server = createServer((outer) => {
      this.#enter(outer);
    });
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#inside.size;
  }

  /** Opens the door and resolves to its address. */
  async address(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#inside) socket.destroy();
  }

  #enter(outer: Socket): void {
    this.dials += 1;
    const inner = connect(this.#port, '127.0.0.1');
    this.#inside.add(inner);
    inner.on('close', () => this.#inside.delete(inner));
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (bytes) => this.#late(() => to.write(bytes)));
      from.on('close', () => this.#late(() => to.destroy()));
      from.on('error', () => undefined);
    }
  }

  #late(act: () => void): void {
    // Timers of one length keep their order.
    setTimeout(act, this.#delayMs);
  }
}

/** Two members that are told no address of their own, so that both dial at once, and only know each other's door. */
export interface CrossingPair {
  readonly nodes: readonly [Libp2pTransport, Libp2pTransport];
  readonly doors: readonly [SlowDoor, SlowDoor];
  close(): Promise<void>;
}

/** Opens a pair, not started; `delaysMs` of the doors of the first and the second. */
export async function crossingPair(
  [one, two]: readonly [TestMember, TestMember],
  delaysMs: readonly [number, number],
): Promise<CrossingPair> {
  const doors = [new SlowDoor(one.port, delaysMs[0]), new SlowDoor(two.port, delaysMs[1])] as const;
  const behind = [
    { ...one, addresses: [await doors[0].address()] },
    { ...two, addresses: [await doors[1].address()] },
  ] as const;
  const nodes = [
    await openMember(one, [{ ...one, addresses: [] }, behind[1]]),
    await openMember(two, [behind[0], { ...two, addresses: [] }]),
  ] as const;
  return {
    nodes,
    doors,
    close: async () => {
      await Promise.all(nodes.map(async (node) => node.stop()));
      for (const door of doors) door.close();
      await pass(0);
    },
  };
}
