/** All of a home's `node.yaml`: the sections of `config`, the page's, and that of outside witnesses. */
import {
  validateWitnessSettings,
  witnessDefaults,
  type WitnessSettings,
} from '../auditor/index.ts';
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
  readonly witnesses: WitnessSettings;
}

/** @throws {ConfigError} naming file, line, key, what was expected and what came */
export function readDaemonSettings(
  text: string,
  file: string,
  overrides: readonly Override[] = [],
): DaemonSettings {
  const { settings, section } = readNodeFile(text, file, overrides, ['dashboard', 'witnesses']);
  const dashboard = section('dashboard', {
    defaults: dashboardDefaults,
    form: { ...dashboardDefaults, names: [''] },
    validate: validateDashboardSettings,
  });
  const witnesses = section('witnesses', {
    defaults: witnessDefaults,
    form: { ...witnessDefaults, ask: [''] },
    validate: validateWitnessSettings,
  });
  return { node: settings, dashboard, witnesses };
}
