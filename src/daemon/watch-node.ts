/** Tells again and again what a running node knows of itself beside its peer's events: time, links, bytes, disk, log, deadline. */
import type { Clock } from '../base/index.ts';
import type { LinkState, NodeFact } from '../dashboard/index.ts';
import { folderBytes, freeDiskBytes } from '../host/index.ts';
import type { MemberLink } from '../network/index.ts';
import type { HospitalNode } from '../node/index.ts';
import { quorumOf, type SignedManifest } from '../wire/index.ts';

/** What is watched, and who hears of it. */
export interface WatchOptions {
  readonly node: () => Pick<HospitalNode, 'peer' | 'links' | 'traffic'>;
  readonly consortium: () => SignedManifest;
  /** Whether the node's peer has started: before, there is no log to look at. */
  readonly isRunning: () => boolean;
  /** Of the node, on the disk that is watched. */
  readonly folder: string;
  readonly clock: Clock;
  readonly onFact: (fact: NodeFact) => void;
}

const tickMs = 1_000;
/** Walking through a node's folder costs a call for each file. */
const diskEveryMs = 20_000;

/** Begins to tell. @returns ends it */
export function watchNode(options: WatchOptions): () => void {
  const { clock } = options;
  const told = new Told(options);
  let cancel = (): void => undefined;
  const tick = (): void => {
    told.tell();
    cancel = clock.setTimer(tickMs, tick);
  };
  tick();
  return () => {
    cancel();
  };
}

class Told {
  readonly #options: WatchOptions;
  #version = -1;
  #logSize = -1;
  #cosigned = '';
  #deadline = '';
  #diskAtMs = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  tell(): void {
    const { clock, node, onFact } = this.#options;
    onFact({ kind: 'clock', nowMs: clock.nowMs() });
    onFact({ kind: 'traffic', ...node().traffic });
    const { peer } = node();
    if (peer !== null) onFact({ kind: 'chunks', ...peer.chunks });
    this.#tellDisk();
    if (!this.#options.isRunning()) return;
    this.#tellLinks();
    this.#tellManifest();
    this.#tellLog();
    this.#tellDeadline();
  }

  #tellLinks(): void {
    const { node, onFact } = this.#options;
    for (const link of node().links()) {
      onFact({ kind: 'link', member: link.member, link: linkState(link) });
    }
  }

  #tellManifest(): void {
    const { node, onFact } = this.#options;
    const version = node().peer?.consortium.manifest.version;
    if (version === undefined || version === this.#version) return;
    this.#version = version;
    onFact({ kind: 'manifest', version });
  }

  #tellLog(): void {
    const { peer } = this.#options.node();
    if (peer === null) return;
    const { size, root, height } = peer.log.head;
    const cosigners = peer.log.cosigners();
    if (size === this.#logSize && cosigners.join() === this.#cosigned) return;
    this.#logSize = size;
    this.#cosigned = cosigners.join();
    const quorum = quorumOf(this.#options.consortium().manifest.members.length);
    this.#options.onFact({ kind: 'log-head', size, root, height, cosigners, quorum });
  }

  #tellDeadline(): void {
    const { node, onFact } = this.#options;
    const phase = node().peer?.state.phase;
    const open = phase?.kind === 'open' || phase?.kind === 'cut' ? phase.open : null;
    const atMs = phase?.kind === 'open' ? phase.open.deadline : null;
    if (open === null || this.#deadline === `${open.r} ${atMs ?? ''}`) return;
    this.#deadline = `${open.r} ${atMs ?? ''}`;
    onFact({ kind: 'deadline', round: open.r, atMs });
  }

  #tellDisk(): void {
    const { clock, folder, onFact } = this.#options;
    if (clock.nowMs() - this.#diskAtMs < diskEveryMs) return;
    this.#diskAtMs = clock.nowMs();
    Promise.all([freeDiskBytes(folder), folderBytes(folder)]).then(
      ([freeBytes, usedBytes]) => {
        onFact({ kind: 'disk', freeBytes, usedBytes });
      },
      // A disk that fails is told by whoever writes to it.
      () => undefined,
    );
  }
}

/** A link in the words of the status. */
export function linkState(link: MemberLink): LinkState {
  const { state, sinceMs, heardMs, sentBytes, receivedBytes, problem } = link;
  const shared = { sinceMs, lastHeardMs: heardMs, sentBytes, receivedBytes, height: null };
  const { layer = null, reason: detail = null, remedy = null } = problem ?? {};
  switch (state) {
    case 'connected':
      return { state, layer: null, detail: null, remedy: null, ...shared };
    case 'dialing':
      return { state, layer, detail, remedy, ...shared };
    case 'waiting':
      return {
        ...{ state: 'dialing', layer, ...shared },
        detail: detail ?? 'this node waits for its call, and dials it itself when none comes',
        remedy: remedy ?? 'ask its operator whether its node runs, and what its preflight says',
      };
    case 'unreachable':
    case 'refused':
      return { state: 'unreachable', layer, detail, remedy, ...shared };
  }
}
