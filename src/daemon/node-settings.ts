/** All of a home's `node.yaml`: the sections of `config`, and the page's. */
import { readNodeFile, type NodeFile, type Override } from '../config/index.ts';
import {
  dashboardDefaults,
  validateDashboardSettings,
  type DashboardSettings,
} from '../dashboard/index.ts';

/** What a node's process is set to. */
export interface DaemonSettings {
  readonly node: NodeFile;
  readonly dashboard: DashboardSettings;
}

/** @throws {ConfigError} naming file, line, key, what was expected and what came */
export function readDaemonSettings(
  text: string,
  file: string,
  overrides: readonly Override[] = [],
): DaemonSettings {
  const { settings, section } = readNodeFile(text, file, overrides, ['dashboard']);
  const dashboard = section('dashboard', {
    defaults: dashboardDefaults,
    form: { ...dashboardDefaults, names: [''] },
    validate: validateDashboardSettings,
  });
  return { node: settings, dashboard };
}
