export { DaemonError, type DaemonErrorFacts } from './errors.ts';
export { controlSocketOf } from './control.ts';
export { NodeDaemon, type DaemonOptions, type NodeLine } from './node-daemon.ts';
export { readDaemonSettings, type DaemonSettings } from './node-settings.ts';
export type { OwnData } from './own-data.ts';
