/**
 * What one direct message costs, sent and received: two nodes in one process pass a vote's 282 bytes to and fro, and the processor
 * time of both is counted. The program is compiled while it runs, so the first messages cost several times what later ones do.
 *
 *   node --disable-warning=ExperimentalWarning bench/network/one-message.ts [--messages 20000]
 */
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { utf8, type NodeId } from '../../src/base/index.ts';
import { digestOf, generateEd25519, sha256 } from '../../src/crypto/index.ts';
import { freePorts } from '../../src/host/index.ts';
import {
  networkDefaults,
  openLibp2pTransport,
  type Libp2pTransport,
} from '../../src/network/index.ts';

const { values } = parseArgs({ options: { messages: { type: 'string', default: '20000' } } });
const messages = Number(values.messages);
const vote = new Uint8Array(282);

const ids = ['L1', 'L2'] as NodeId[];
const seeds = ids.map((id) => sha256(utf8(`bench/${id}`)));
const ports = await freePorts('127.0.0.1', ids.length);
const members = ids.map((id, at) => ({
  id,
  transportKey: generateEd25519(seeds[at]).publicKey,
  addresses: [`127.0.0.1:${ports[at]}`],
}));

function open(at: number): Promise<Libp2pTransport> {
  return openLibp2pTransport({
    self: ids[at] as NodeId,
    consortium: digestOf(utf8('bench')),
    members,
    privateKeySeed: seeds[at] as Uint8Array,
    listen: `127.0.0.1:${ports[at]}`,
    settings: { ...networkDefaults, messagesPerSecond: 100_000 },
    logger: { log: () => undefined },
  });
}

const [one, other] = [await open(0), await open(1)];
await one.start();
await other.start();
while (one.peers().length === 0 || other.peers().length === 0) await pause(50);
await pause(1000); // gossip's own greetings

console.log(`${cpus()[0]?.model ?? ''}, Node ${process.version}`);
let passed = 0;
let told = 0;
let before = process.cpuUsage();
await new Promise<void>((resolve) => {
  const passOn = (from: Libp2pTransport, to: NodeId): void => {
    from.onMessage((_, topic, bytes) => {
      passed += 1;
      if (passed === Math.max(100, 2 * told)) tell();
      if (passed < messages) from.send(to, topic, bytes);
      else resolve();
      return 'ignore';
    });
  };
  passOn(one, 'L2' as NodeId);
  passOn(other, 'L1' as NodeId);
  one.send('L2' as NodeId, 'consensus', vote);
});
process.exit(0);

function tell(): void {
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000 / (passed - told);
  console.log(`messages ${told + 1} to ${passed}: ${ms.toFixed(3)} ms of processor time each`);
  told = passed;
  before = process.cpuUsage();
}
