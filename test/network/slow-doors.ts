/** Doors in front of members: a TCP proxy each that counts who dials, and lets every byte through late. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { openMember, testMembers, type TestMember } from './libp2p-cluster.ts';
import type { Libp2pTransport } from '../../src/network/index.ts';

/** One member's door. */
export class SlowDoor {
  dials = 0;
  /** Bytes that passed, both ways, by dial. */
  readonly carried: number[] = [];
  readonly #port: Promise<number>;
  readonly #delayMs: number;
  readonly #server: Server;
  readonly #inside = new Map<number, Socket>();

  /** `port` is where the member listens, once it does; what comes in and what goes out is `delayMs` late. */
  constructor(port: Promise<number>, delayMs: number) {
    this.#port = port;
    this.#delayMs = delayMs;
    this.#server = createServer((outer) => {
      void this.#enter(outer);
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
    for (const socket of this.#inside.values()) socket.destroy();
  }

  /** Ends the connection that a dial opened, from 0. */
  cut(dial: number): void {
    this.#inside.get(dial)?.destroy();
  }

  async #enter(outer: Socket): Promise<void> {
    const dial = this.dials++;
    this.carried[dial] = 0;
    const inner = connect(await this.#port, '127.0.0.1');
    this.#inside.set(dial, inner);
    inner.on('close', () => this.#inside.delete(dial));
    for (const [from, to] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (bytes) => {
        this.carried[dial]! += bytes.byteLength;
        this.#late(() => to.write(bytes));
      });
      from.on('close', () => {
        this.#late(() => to.destroy());
      });
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
  /** Starts both at once. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a pair, not started; `delaysMs` of the doors of the first and the second. */
export async function crossingPair(delaysMs: readonly [number, number]): Promise<CrossingPair> {
  const [one, two] = (await testMembers(2)) as [TestMember, TestMember];
  let open = (): void => undefined;
  const started = new Promise<void>((resolve) => (open = resolve));
  const portOf = async (at: 0 | 1): Promise<number> => {
    await started;
    return Number(nodes[at].listenAddresses()[0]?.split('/').at(-1));
  };
  const doors = [
    new SlowDoor(portOf(0), delaysMs[0]),
    new SlowDoor(portOf(1), delaysMs[1]),
  ] as const;
  const toOne = { ...one, addresses: [await doors[0].address()] };
  const toTwo = { ...two, addresses: [await doors[1].address()] };
  const listen = '127.0.0.1:0';
  const nodes = [
    await openMember(one, [{ ...one, addresses: [] }, toTwo], { listen }),
    await openMember(two, [toOne, { ...two, addresses: [] }], { listen }),
  ] as const;
  return {
    nodes,
    doors,
    start: async () => {
      await Promise.all(nodes.map(async (node) => node.start()));
      open();
    },
    close: async () => {
      await Promise.all(nodes.map(async (node) => node.stop()));
      for (const door of doors) door.close();
    },
  };
}
