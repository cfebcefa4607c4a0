export { NetworkError, type NetworkErrorFacts } from './errors.ts';
export { networkDefaults, validateNetworkSettings, type NetworkSettings } from './settings.ts';
export {
  openLibp2pTransport,
  type Libp2pTransport,
  type Libp2pTransportInit,
} from './libp2p-transport.ts';
