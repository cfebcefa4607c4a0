/** Members of a test consortium on loopback, with settings that do not wait. */
import { createServer } from 'node:net';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Digest, Logger, NodeId } from '../../src/base/index.ts';
import {
  networkDefaults,
  openLibp2pTransport,
  type Libp2pTransport,
  type Libp2pTransportInit,
  type NetworkSettings,
} from '../../src/network/index.ts';
import type { TransportMember } from '../../src/wire/index.ts';
import type { Rig } from '../wire/transport-suite.ts';

export const consortium: Digest = 'c0'.repeat(32) as Digest;
export const otherConsortium: Digest = '0c'.repeat(32) as Digest;

export const fast: NetworkSettings = {
  ...networkDefaults,
  inboundConnectionThreshold: 10_000,
  redialMsMin: 50,
  redialMsMax: 400,
  reverseDialAfterMs: 10_000,
  helloTimeoutMs: 10_000,
  healthIntervalMs: 1_000,
  gossipHeartbeatMs: 200,
};

export const silent: Logger = { log: () => undefined };

/** A member with its secret and its port. */
export interface TestMember extends TransportMember {
  readonly seed: Uint8Array;
  readonly port: number;
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** `count` members L1, L2, … with keys from fixed seeds. */
export async function testMembers(count: number): Promise<TestMember[]> {
  const ports = await freePorts(count);
  return Promise.all(ports.map(async (port, index) => testMember(port, index + 1)));
}

async function testMember(port: number, number: number): Promise<TestMember> {
  return { ...(await testMemberAt(number, [`127.0.0.1:${port}`])), port };
}

/** Member L<number> with a key from a fixed seed. */
export async function testMemberAt(
  number: number,
  addresses: readonly string[],
): Promise<Omit<TestMember, 'port'>> {
  const seed = new Uint8Array(32).fill(number);
  const { publicKey } = await generateKeyPairFromSeed('Ed25519', seed);
  return { id: `L${number}` as NodeId, seed, transportKey: publicKey.raw, addresses };
}

/** The transport of one member, not started. */
export async function openMember(
  member: TestMember,
  members: readonly TransportMember[],
  changes: Partial<Libp2pTransportInit> = {},
): Promise<Libp2pTransport> {
  return openLibp2pTransport({
    self: member.id,
    consortium,
    members,
    privateKeySeed: member.seed,
    listen: `127.0.0.1:${member.port}`,
    settings: fast,
    logger: silent,
    ...changes,
  });
}

export async function pass(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}

export async function until(
  condition: () => boolean,
  what: string,
  limitMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await pass(10);
  }
}

/** For `transportSuite`. */
export async function libp2pRig(ids: readonly NodeId[]): Promise<Rig> {
  const members = (await testMembers(ids.length)).map((one, at) => ({ ...one, id: ids[at]! }));
  const transports = await Promise.all(members.map(async (one) => openMember(one, members)));
  const renewed: Libp2pTransport[] = [];
  return {
    transports,
    members,
    renew: async (id) => {
      const at = members.findIndex((one) => one.id === id);
      await transports[at]!.stop();
      const member = { ...(await testMember(members[at]!.port, 99)), id };
      const others = members.filter((one) => one.id !== id);
      const transport = await openMember(member, [...others, member]);
      renewed.push(transport);
      return { transport, member };
    },
    settle: async (isDone) => {
      await until(isDone, 'settled');
      return true;
    },
    during: async (work) => work,
    close: async () => {
      await Promise.all([...transports, ...renewed].map(async (one) => one.stop()));
    },
  };
}
