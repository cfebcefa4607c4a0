export {
  NodeError,
  type DiskErrorFacts,
  type NetworkErrorFacts,
  type NodeErrorFacts,
  type WorkerErrorFacts,
} from './errors.ts';
export { networkDefaults, validateNetworkSettings, type NetworkSettings } from './settings.ts';
export type { TransportMember } from './member-directory.ts';
export {
  openLibp2pTransport,
  type Libp2pTransport,
  type Libp2pTransportInit,
} from './libp2p-transport.ts';
export { consoleLogger } from './console-logger.ts';
export { systemClock } from './system-clock.ts';
export { systemRandom } from './system-random.ts';
