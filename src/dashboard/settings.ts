/** Where the live page is served, and what one reader may cost. */
import { checkInteger, SettingError } from '../base/index.ts';

/** Read-only, without a password: whoever reaches the port reads the status. */
export interface DashboardSettings {
  /** False: no page, no status, no metrics. */
  readonly isOn: boolean;
  /** Address to listen on, 1 to 253 characters. Anything but loopback shows the status, without predictions, to whoever reaches it. */
  readonly host: string;
  /** Port to listen on, 0..65535; 0 takes a free one. */
  readonly port: number;
  /**
   * Further names under which readers may ask, at most 16 of 1 to 253 characters: those of a reverse proxy. Loopback and the
   * address that a request came to are always allowed; any other name is refused, so that a page elsewhere cannot read ours
   * through a name that it controls (DNS rebinding).
   */
  readonly names: readonly string[];
  /** True: the node's log is served under `/log/` in the layout of tlog-tiles, to whoever reaches the port. */
  readonly servesLog: boolean;
  /** Pages open at a time, 1..256; each holds a connection. */
  readonly streamsMax: number;
  /** Shortest time between two pushes to the pages, ms, 250..60000: at most four a second. */
  readonly pushMsMin: number;
  /** After so long without a sign of the node `/healthz` says so, ms, 5000..600000. The node's `clock` comes once a second. */
  readonly silenceMsMax: number;
}

/** On, and for this machine alone. */
export const dashboardDefaults: DashboardSettings = Object.freeze({
  isOn: true,
  host: '127.0.0.1',
  port: 7480,
  names: Object.freeze([]),
  servesLog: false,
  streamsMax: 16,
  pushMsMin: 250,
  silenceMsMax: 30_000,
});

const namesMax = 16;
const hostForm = /^[A-Za-z0-9.:-]{1,253}$/;

/** @throws {SettingError} for a value out of range */
export function validateDashboardSettings(settings: DashboardSettings): void {
  const { host, port, names, streamsMax, pushMsMin, silenceMsMax } = settings;
  checkHost('host', host);
  checkInteger('port', port, 0, 65_535);
  if (names.length > namesMax) {
    throw new SettingError('names', `at most ${namesMax} names`, names.length);
  }
  for (const name of names) checkHost('names', name);
  checkInteger('streamsMax', streamsMax, 1, 256);
  checkInteger('pushMsMin', pushMsMin, 250, 60_000);
  checkInteger('silenceMsMax', silenceMsMax, 5_000, 600_000);
}

function checkHost(key: string, host: string): void {
  if (!hostForm.test(host)) {
    throw new SettingError(
      key,
      'a name or address without scheme and port',
      `"${host.slice(0, 60)}"`,
    );
  }
}
