/** One libp2p host as a permissioned network wants it. The only place that composes the stack. */
import { noise } from '@chainsafe/libp2p-noise';
import { gossipsub, StrictSign, type GossipSub } from '@libp2p/gossipsub';
import { createTopicScoreParams } from '@libp2p/gossipsub/score';
import { identify, type Identify, type IdentifyComponents } from '@libp2p/identify';
import type { ConnectionGater, Libp2p, PeerId, PrivateKey, StreamHandler } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';

import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { hex, invariant, type Digest, type NodeId } from '../base/index.ts';
import { topics, limits } from '../wire/index.ts';
import type { ByteCounter } from './byte-counter.ts';
import { NetworkError } from './errors.ts';
import { guardedYamux } from './guarded-yamux.ts';
import type { MemberDirectory } from './member-directory.ts';
import { gossipTopic } from './protocol-ids.ts';
import type { NetworkSettings } from './settings.ts';

/**
 * Broadcasts in one frame of gossip. Authors send one; more come in answer to IWANT, from a cache of the last 5 heartbeats.
 */
const rpcMessagesMax = 256;

/** The host with its services. */
export type Host = Libp2p<{ identify: Identify; gossip: GossipSub }>;

/** Everything that shapes a host. */
export interface HostInit {
  readonly consortium: Digest;
  readonly directory: MemberDirectory;
  readonly privateKey: PrivateKey;
  /** Null listens nowhere. */
  readonly listen: Multiaddr | null;
  readonly settings: NetworkSettings;
  readonly counter: ByteCounter;
  /** Members that are not spoken to now, in either direction; none when absent. */
  readonly isHungUp?: (member: NodeId) => boolean;
  /** Waits until a stream that a member opened has its turn; false when it is not to be read. All are when absent. */
  readonly admitStream?: (member: NodeId) => Promise<boolean>;
}

/** Creates the host; it does not listen before `start`. */
export async function createHost(init: HostInit): Promise<Host> {
  const { settings } = init;
  return createLibp2p({
    start: false,
    privateKey: init.privateKey,
    addresses: { listen: init.listen === null ? [] : [init.listen.toString()] },
    nodeInfo: { name: 'annulus' },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [
      guardedYamux({
        maxInboundStreams: 64,
        maxOutboundStreams: 64,
        enableKeepAlive: true,
        keepAliveInterval: 15_000,
        streamOptions: {
          maxStreamWindowSize: settings.streamWindowBytesMax,
          maxReadBufferLength: settings.readBufferBytesMax,
        },
      }),
    ],
    connectionManager: {
      // Two with each of 255 members, and those that cross.
      maxConnections: 640,
      maxIncomingPendingConnections: 16,
      inboundConnectionThreshold: settings.inboundConnectionThreshold,
      inboundUpgradeTimeout: 10_000,
      dialTimeout: settings.dialTimeoutMs,
      reconnectRetries: 0,
    },
    connectionMonitor: {
      pingInterval: settings.pingIntervalMs,
      pingTimeout: { minTimeout: 10_000, maxTimeout: 20_000 },
      // Behind bulk on a slow line, or before a busy event loop, an answer is late: `SilenceWatch` looks at all bytes.
      abortConnectionOnPingFailure: false,
    },
    connectionGater: memberGater(init),
    metrics: () => init.counter.metrics(),
    services: { identify: accountedIdentify(init), gossip: memberGossip(init) },
  });
}

/** Lets members through and nobody else, in both directions and at every step. */
function memberGater({ directory, isHungUp }: HostInit): ConnectionGater {
  const isStranger = (peerId: PeerId): boolean => {
    const member = directory.ofPeer(peerId);
    return member === null || isHungUp?.(member.id) === true;
  };
  return {
    denyDialPeer: isStranger,
    denyInboundEncryptedConnection: isStranger,
    denyOutboundEncryptedConnection: isStranger,
    denyInboundUpgradedConnection: isStranger,
    denyOutboundUpgradedConnection: isStranger,
    denyInboundRelayReservation: () => true,
    denyOutboundRelayedConnection: () => true,
    denyInboundRelayedConnection: () => true,
    filterMultiaddrForPeer: (peerId) => !isStranger(peerId),
  };
}

/** libp2p's identify, which answers a member's question when that member's account allows it. */
function accountedIdentify({
  directory,
  admitStream,
}: HostInit): (components: IdentifyComponents) => Identify {
  return (components) => {
    const service = identify()(components) as Identify & { handleProtocol?: StreamHandler };
    const answer = service.handleProtocol;
    invariant(answer !== undefined, 'identify answers by its handleProtocol');
    service.handleProtocol = async (stream, connection): Promise<void> => {
      const member = directory.ofPeer(connection.remotePeer);
      const isAdmitted = member !== null && (await admitStream?.(member.id)) !== false;
      if (isAdmitted) await answer(stream, connection);
      else stream.abort(new NetworkError({ code: 'stream_cut' }));
    };
    return service;
  };
}

function memberGossip(init: HostInit): ReturnType<typeof gossipsub> {
  const names = topics.map((topic) => gossipTopic(init.consortium, topic));
  // A rejected message costs its relay nothing unless its topic is scored. Three in a short while put a
  // peer below the default graylist threshold of -80 (-10 times the count squared); it fades in seconds.
  const scored = createTopicScoreParams({
    topicWeight: 1,
    timeInMeshWeight: 0,
    firstMessageDeliveriesWeight: 0,
    meshMessageDeliveriesWeight: 0,
    meshFailurePenaltyWeight: 0,
    invalidMessageDeliveriesWeight: -10,
    invalidMessageDeliveriesDecay: 0.9,
  });
  return gossipsub({
    globalSignaturePolicy: StrictSign,
    fallbackToFloodsub: false,
    floodPublish: true,
    doPX: false,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    allowedTopics: names,
    maxInboundDataLength: 1024 * 1024,
    maxOutboundBufferSize: 16 * 1024 * 1024,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    // Authors publish to every member they are connected to; the mesh carries messages past broken links.
    D: init.settings.gossipDegree,
    Dlo: Math.max(1, init.settings.gossipDegree - 1),
    Dhi: init.settings.gossipDegree * 2,
    Dout: 0,
    Dlazy: init.settings.gossipDegree,
    heartbeatInterval: init.settings.gossipHeartbeatMs,
    // Frames of one neighbour one after the other: `takeTurns` lets the event loop in between.
    awaitRpcHandler: true,
    awaitRpcMessageHandler: true,
    // A member's signature is checked for each message before any limit of ours: 256 take some 30 ms of this thread.
    decodeRpcLimits: {
      maxSubscriptions: 64,
      maxMessages: rpcMessagesMax,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxIdontwantMessageIDs: 1_000,
      maxControlMessages: 64,
      maxPeerInfos: 16,
    },
    fastMsgIdFn: (message) => hex(message.signature ?? message.data ?? new Uint8Array(0)),
    // Above the largest message: no second round of control messages for small consortia.
    idontwantMinDataSize: limits.messageBytesMax + 1024,
    scoreParams: {
      // Many nodes behind one address (a test, a hospital's gateway) would leave the mesh empty.
      IPColocationFactorWeight: 0,
      topics: Object.fromEntries(names.map((name) => [name, scored])),
    },
  });
}
