/** Streams that members open at us: whose they are, whether it is that member's turn, and what ends them. */
import type { Connection, Stream } from '@libp2p/interface';
import { messageOf, type Logger, type NodeId } from '../base/index.ts';
import type { BlobProvider } from '../wire/index.ts';
import { NetworkError } from './errors.ts';
import type { Host } from './libp2p-host.ts';
import type { MemberConnections } from './member-connections.ts';
import type { MemberDirectory } from './member-directory.ts';
import type { Messenger } from './message-protocol.ts';
import { answerPing } from './ping-protocol.ts';
import {
  bulkProtocol,
  helloProtocol,
  messageProtocol,
  pingProtocol,
  updateProtocol,
} from './protocol-ids.ts';
import type { SenderAccounts } from './sender-accounts.ts';
import type { NetworkSettings } from './settings.ts';
import { TransferSlots } from './transfer-slots.ts';
import { answerOnly, serveTransfer, transferStatus } from './update-protocol.ts';

/** What the streams need of their node. */
export interface InboundPorts {
  readonly settings: NetworkSettings;
  readonly logger: Logger;
  readonly directory: MemberDirectory;
  readonly accounts: SenderAccounts;
  readonly members: MemberConnections;
  readonly messenger: Messenger;
  readonly provider: BlobProvider;
  /** Whether the node has started and not stopped: only then is the end of a stream worth a line in the log. */
  readonly isRunning: () => boolean;
}

/** Answers every protocol but gossip and identify. A handler that throws resets its stream; libp2p logs nothing of it. */
export class InboundStreams {
  readonly #ports: InboundPorts;
  readonly #slots: TransferSlots;
  readonly #servedTo = new Map<NodeId, number>();

  constructor(ports: InboundPorts) {
    this.#ports = ports;
    const { transfersMax, transferIdleMs } = ports.settings;
    this.#slots = new TransferSlots(transfersMax, transferIdleMs / 2);
  }

  /** Registers the protocols; the host is not started yet. */
  async register(host: Host): Promise<void> {
    await host.handle(helloProtocol, this.#onHello, { maxInboundStreams: 2 });
    await host.handle(bulkProtocol, this.#onBulk, { maxInboundStreams: 2 });
    await host.handle(pingProtocol, this.#onPing, { maxInboundStreams: 2 });
    await host.handle(messageProtocol, this.#onMessages, { maxInboundStreams: 2 });
    await host.handle(updateProtocol, this.#onTransfer, {
      // One above our own limit, which answers 'busy' instead of a bare reset.
      maxInboundStreams: this.#ports.settings.transfersPerPeerMax + 1,
    });
  }

  readonly #onHello = async (stream: Stream, connection: Connection): Promise<void> => {
    try {
      await this.#ports.members.answer(stream, connection);
    } catch (error) {
      this.#drop(stream, 'hello', error);
    }
  };

  readonly #onBulk = async (stream: Stream, connection: Connection): Promise<void> => {
    try {
      await this.#ports.members.answerBulk(stream, connection);
    } catch (error) {
      this.#drop(stream, 'hello for bulk', error);
    }
  };

  /** Before a hello too: a connection is watched from its beginning. */
  readonly #onPing = async (stream: Stream, connection: Connection): Promise<void> => {
    const { directory, settings } = this.#ports;
    const from = await this.#taken(stream, directory.ofPeer(connection.remotePeer)?.id ?? null);
    if (from === null) return;
    try {
      await answerPing(stream, settings.helloTimeoutMs);
    } catch (error) {
      this.#drop(stream, 'ping', error, from);
    }
  };

  readonly #onMessages = async (stream: Stream, connection: Connection): Promise<void> => {
    const from = await this.#taken(stream, await this.#ports.members.welcomed(connection));
    if (from === null) return;
    try {
      await this.#ports.messenger.receive(from, stream);
      await stream.close();
    } catch (error) {
      this.#drop(stream, 'messages', error, from);
    }
  };

  readonly #onTransfer = async (stream: Stream, connection: Connection): Promise<void> => {
    const { settings, provider, accounts, members } = this.#ports;
    const from = await this.#taken(stream, await members.welcomedBulk(connection));
    if (from === null) return;
    const open = this.#servedTo.get(from) ?? 0;
    this.#servedTo.set(from, open + 1);
    try {
      if (open >= settings.transfersPerPeerMax) {
        await answerOnly(stream, transferStatus.busy, 0, settings);
      } else {
        await serveTransfer(stream, {
          settings,
          provider,
          slot: async () => this.#slots.take(from),
          pace: async (bytes) => accounts.admitBulk(from, bytes),
        });
      }
    } catch (error) {
      this.#drop(stream, 'transfer', error, from);
    } finally {
      this.#servedTo.set(from, (this.#servedTo.get(from) ?? 1) - 1);
    }
  };

  /** `from`, once that member has its turn; `null` when the stream was refused. */
  async #taken(stream: Stream, from: NodeId | null): Promise<NodeId | null> {
    if (from !== null && (await this.#ports.accounts.admitStream(from))) return from;
    stream.abort(new NetworkError({ code: 'stream_cut' }));
    return null;
  }

  #drop(stream: Stream, what: string, error: unknown, from?: NodeId): void {
    const { accounts, logger, isRunning } = this.#ports;
    stream.abort(new NetworkError({ code: 'stream_cut' }));
    const isBroken = error instanceof NetworkError && error.code === 'protocol_broken';
    if (isBroken && from !== undefined) {
      accounts.charge(from, { signatures: 0, refusal: error.message });
    }
    if (isRunning()) {
      logger.log('debug', 'stream ended early', { what, reason: messageOf(error) });
    }
  }
}
