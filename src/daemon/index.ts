export { DaemonError, type DaemonErrorFacts } from './errors.ts';
export { controlSocketOf } from './control.ts';
export { logFileOf, NodeDaemon, type DaemonOptions, type NodeLine } from './node-daemon.ts';
export { readDaemonSettings, type DaemonSettings } from './node-settings.ts';
export { readTestnet, writeTestnet, type TestnetNode, type TestnetRequest } from './testnet.ts';
export { TestnetProcesses } from './testnet-processes.ts';
export { countsText, type OwnData } from './own-data.ts';
export { bundleBytes, bundleFiles, type BundleFile, type BundleRequest } from './doctor-bundle.ts';
