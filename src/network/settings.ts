/**
 * Settings of the libp2p transport. The measurements behind the defaults are in docs/specs/network.md.
 */
import { NetworkError } from './errors.ts';

/** How one node meets the network. Every limit here bounds what one peer can cost us. */
export interface NetworkSettings {
  /** How long a dial may take, ms, 100..60000. Ten seconds covers a slow VPN. */
  readonly dialTimeoutMs: number;
  /** First pause before a redial, ms, 10..60000; it doubles with each failure. */
  readonly redialMsMin: number;
  /** Longest pause before a redial, ms, redialMsMin..600000. Redials never end. */
  readonly redialMsMax: number;
  /**
   * The member with the lower peer id dials. The other waits this long before it dials too, ms, 0..600000:
   * some firewalls let connections out only.
   */
  readonly reverseDialAfterMs: number;
  /** A connection that did not say hello by then is closed, ms, 100..60000. */
  readonly helloTimeoutMs: number;
  /** Connections one address may open a second, 1..10000. Many nodes on one machine need it high. */
  readonly inboundConnectionThreshold: number;
  /** How often a connection is pinged, ms, 1000..60000. */
  readonly pingIntervalMs: number;
  /**
   * A connection over which nothing at all came for so long is given up, ms, 2 * pingIntervalMs..600000. A late answer to a ping is
   * no reason: behind bulk on a slow line it waits for many seconds.
   */
  readonly silenceMsMax: number;
  /** How often the gossip streams are looked over for deaf ones, ms, 500..60000. */
  readonly healthIntervalMs: number;
  /** Gossipsub heartbeat, ms, 100..5000. */
  readonly gossipHeartbeatMs: number;
  /**
   * Neighbours that a member passes others' broadcasts on to, 1..12, while a pair of members has no link: authors send to every
   * member they are connected to, so this only carries messages past broken links. Each step costs every member one more copy then.
   */
  readonly gossipDegree: number;
  /** Broadcasts one author may send a second, 1..1000; gossipsub itself has no limit. */
  readonly broadcastsPerSecond: number;
  /** Broadcasts one author may send at once, broadcastsPerSecond..10000. */
  readonly broadcastBurst: number;
  /** Own broadcasts that may wait for their turn, 1..100000; further ones are dropped with a warning. */
  readonly broadcastQueueMax: number;
  /** Direct messages of one peer handled a second, 1..100000; a faster sender is held back, not dropped. */
  readonly messagesPerSecond: number;
  /** Direct messages waiting for one peer, 1..100000; further ones are dropped with a warning. */
  readonly messageQueueMax: number;
  /**
   * Work one member may cause, in milliseconds of one processor a second by the price list of docs/specs/network.md, 1..1000.
   * Above it direct messages and requests are read later and broadcasts are passed over. The most that an honest
   * member causes is 60 in the busiest second of a round with 100 members, and 8 with 8.
   */
  readonly senderWorkMsPerSecond: number;
  /** Work one member may cause at once, ms, senderWorkMsPerSecond..60000: what an honest one sent while we stood still. */
  readonly senderWorkMsBurst: number;
  /**
   * Faults of one member at once before we hang up, 1..10000; one a second is forgiven. A refused message is one fault, a
   * broadcast above the rate a tenth. An honest member causes none, and 36 when we stood still for 20 s.
   */
  readonly senderFaultsMax: number;
  /** First time that we hang up on a member, ms, 100..3600000; each further one is twice as long. */
  readonly hangUpMsMin: number;
  /** Longest time that we hang up on a member, ms, hangUpMsMin..86400000. After as long without faults it begins anew. */
  readonly hangUpMsMax: number;
  /** Transfers one peer may have open at us, 1..64. */
  readonly transfersPerPeerMax: number;
  /** Transfers open at us, of all members, 1..1024; each holds one chunk. A member's first is never refused. */
  readonly transfersMax: number;
  /** Bytes of blobs that one member gets a second, chunkBytes..10^10. */
  readonly transferBytesPerSecondMax: number;
  /** Bytes sent or read at once in a transfer, 4096..1048576. */
  readonly chunkBytes: number;
  /** Largest yamux window of a stream, bytes, 262144..16777216: bandwidth times round trip. */
  readonly streamWindowBytesMax: number;
  /** A stream with more unread bytes is reset, bytes; at least streamWindowBytesMax + readHighWaterBytes. */
  readonly readBufferBytesMax: number;
  /** A reader with more unread bytes pauses its sender, bytes, chunkBytes..readBufferBytesMax. */
  readonly readHighWaterBytes: number;
  /** A transfer without any progress for so long ends, ms, 100..600000. */
  readonly transferIdleMs: number;
  /** A transfer slower than this over the time we waited for it ends, bytes/s, 0..10^9; 0 for no floor. */
  readonly transferBytesPerSecondMin: number;
  /** The floor is not looked at before so long, ms, 0..600000. */
  readonly transferGraceMs: number;
}

/** Defaults for a consortium over the Internet; see each field. */
export const networkDefaults: NetworkSettings = Object.freeze({
  dialTimeoutMs: 10_000,
  redialMsMin: 500,
  redialMsMax: 30_000,
  reverseDialAfterMs: 30_000,
  helloTimeoutMs: 10_000,
  inboundConnectionThreshold: 20,
  pingIntervalMs: 10_000,
  silenceMsMax: 25_000,
  healthIntervalMs: 5_000,
  gossipHeartbeatMs: 700,
  gossipDegree: 3,
  broadcastsPerSecond: 20,
  broadcastBurst: 50,
  broadcastQueueMax: 1_000,
  messagesPerSecond: 500,
  messageQueueMax: 1_000,
  senderWorkMsPerSecond: 100,
  senderWorkMsBurst: 1_000,
  senderFaultsMax: 40,
  hangUpMsMin: 10_000,
  hangUpMsMax: 600_000,
  transfersPerPeerMax: 4,
  transfersMax: 32,
  transferBytesPerSecondMax: 50_000_000,
  chunkBytes: 256 * 1024,
  streamWindowBytesMax: 4 * 1024 * 1024,
  readBufferBytesMax: 16 * 1024 * 1024,
  readHighWaterBytes: 1024 * 1024,
  transferIdleMs: 30_000,
  transferBytesPerSecondMin: 4_096,
  transferGraceMs: 30_000,
});

const ranges: Readonly<Record<keyof NetworkSettings, readonly [number, number]>> = {
  dialTimeoutMs: [100, 60_000],
  redialMsMin: [10, 60_000],
  redialMsMax: [10, 600_000],
  reverseDialAfterMs: [0, 600_000],
  helloTimeoutMs: [100, 60_000],
  inboundConnectionThreshold: [1, 10_000],
  pingIntervalMs: [1_000, 60_000],
  silenceMsMax: [2_000, 600_000],
  healthIntervalMs: [500, 60_000],
  gossipHeartbeatMs: [100, 5_000],
  gossipDegree: [1, 12],
  broadcastsPerSecond: [1, 1_000],
  broadcastBurst: [1, 10_000],
  broadcastQueueMax: [1, 100_000],
  messagesPerSecond: [1, 100_000],
  messageQueueMax: [1, 100_000],
  senderWorkMsPerSecond: [1, 1_000],
  senderWorkMsBurst: [1, 60_000],
  senderFaultsMax: [1, 10_000],
  hangUpMsMin: [100, 3_600_000],
  hangUpMsMax: [100, 86_400_000],
  transfersPerPeerMax: [1, 64],
  transfersMax: [1, 1_024],
  transferBytesPerSecondMax: [4_096, 10_000_000_000],
  chunkBytes: [4_096, 1_048_576],
  streamWindowBytesMax: [262_144, 16_777_216],
  readBufferBytesMax: [262_144, 134_217_728],
  readHighWaterBytes: [4_096, 134_217_728],
  transferIdleMs: [100, 600_000],
  transferBytesPerSecondMin: [0, 1_000_000_000],
  transferGraceMs: [0, 600_000],
};

/** @throws {NetworkError} 'bad_setting' for a value out of range or one that contradicts another. */
export function validateNetworkSettings(settings: NetworkSettings): void {
  for (const [key, [min, max]] of Object.entries(ranges)) {
    const value = settings[key as keyof NetworkSettings];
    check(
      Number.isInteger(value) && value >= min && value <= max,
      key,
      `an integer from ${min} to ${max}`,
    );
  }
  check(settings.redialMsMax >= settings.redialMsMin, 'redialMsMax', 'at least redialMsMin');
  check(
    settings.broadcastBurst >= settings.broadcastsPerSecond,
    'broadcastBurst',
    'at least broadcastsPerSecond',
  );
  check(
    settings.senderWorkMsBurst >= settings.senderWorkMsPerSecond,
    'senderWorkMsBurst',
    'at least senderWorkMsPerSecond',
  );
  check(
    settings.silenceMsMax >= 2 * settings.pingIntervalMs,
    'silenceMsMax',
    'at least twice pingIntervalMs',
  );
  check(settings.hangUpMsMax >= settings.hangUpMsMin, 'hangUpMsMax', 'at least hangUpMsMin');
  check(
    settings.transferBytesPerSecondMax >= settings.chunkBytes,
    'transferBytesPerSecondMax',
    'at least chunkBytes',
  );
  check(
    settings.readHighWaterBytes >= settings.chunkBytes,
    'readHighWaterBytes',
    'at least chunkBytes',
  );
  // A paused stream still receives one window: with less room it would be reset.
  check(
    settings.readBufferBytesMax >= settings.streamWindowBytesMax + settings.readHighWaterBytes,
    'readBufferBytesMax',
    'at least streamWindowBytesMax + readHighWaterBytes',
  );
}

function check(holds: boolean, key: string, expected: string): void {
  if (!holds) throw new NetworkError({ code: 'bad_setting', key, expected });
}
