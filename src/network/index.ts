export { NetworkError, type NetworkErrorFacts } from './errors.ts';
export { networkDefaults, validateNetworkSettings, type NetworkSettings } from './settings.ts';
export type { LinkStateName, MemberLink } from './link-book.ts';
export type { LinkLayer, LinkProblem } from './link-problem.ts';
export type { ProbeReport } from './link-probe.ts';
export {
  openLibp2pTransport,
  type Libp2pTransport,
  type Libp2pTransportInit,
} from './libp2p-transport.ts';
