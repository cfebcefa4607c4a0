export { DashboardError, type DashboardErrorFacts } from './errors.ts';
export {
  dashboardDefaults,
  validateDashboardSettings,
  type DashboardSettings,
} from './settings.ts';
export type {
  LinkLayer,
  LinkState,
  MemberEntry,
  MessageLevel,
  NodeFact,
  Notice,
  PlannedStage,
  RoundError,
} from './node-facts.ts';
export { emptyView, type NodeEvent, type NodeView } from './node-view.ts';
export { reduce } from './reduce-view.ts';
export { viewLimits } from './view-limits.ts';
export { StatusFeed, type OnView } from './status-feed.ts';
export type { MemberState, MemberStatus } from './member-status.ts';
export { statusOf, statusVersion, type NodeStatus } from './node-status.ts';
export { readStatus } from './read-status.ts';
export { statusText } from './status-text.ts';
export { linkRemedy, linkWords } from './link-words.ts';
export { metricFamilies, renderMetrics, type MetricFamily, type Sample } from './metrics.ts';
export { serveDashboard, type Dashboard, type DashboardOptions } from './serve-dashboard.ts';
export type { ReadLogFile } from './log-routes.ts';
export { serveLog, type ServeLogOptions } from './serve-log.ts';
export type { WebServer } from './web-server.ts';
export { serveWitness, type ServeWitnessOptions } from './serve-witness.ts';
