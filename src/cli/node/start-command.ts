/** `annulus start`: this home's node in the foreground, until it is asked to end. */
import { readFile } from 'node:fs/promises';
import { CliError, exitCodes, type ExitCode } from '../errors.ts';
import { lookAtOwnHome, type HomeFlags } from '../own-home.ts';
import { settingOf } from '../overrides.ts';
import { passphraseToOpen, type PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { nodeStateAt } from './node-state.ts';
import type { NodeFile } from '../../config/index.ts';
import type { Finding, Home, HomeFacts } from '../../node/index.ts';
import type { DaemonSettings, NodeLine } from '../../daemon/index.ts';

/** Flags of `start`, as typed. */
export interface StartFlags extends HomeFlags, PassphraseFlags {
  readonly set?: readonly string[];
  readonly format: string;
}

/**
 * Runs the node. Exit 0 when it was asked to end and did.
 *
 * @throws {DaemonError} 'paused' when the machine failed; as `NodeDaemon.run`, `openHome`, `readDaemonSettings`
 */
export async function startCommand(
  flags: StartFlags,
  version: string,
  world: World,
): Promise<ExitCode> {
  const { signal } = world;
  const { programDigest, serviceNotify, systemClock } = await import('../../host/index.ts');
  const { NodeDaemon } = await import('../../daemon/index.ts');
  const { node: settings, dashboard, witnesses } = await readSettings(flags, world, flags.set);
  const { isHomeSealed, openHome } = await import('../../node/index.ts');
  const facts = await lookAtOwnHome(flags, world);
  await lookBeforeStart(facts, settings, flags, world);
  const isSealed = await isHomeSealed(facts);
  const passphrase = isSealed ? await passphraseToOpen('node', flags, world) : null;
  const reopen = (): Promise<Home> => openHome(facts.folder, passphrase);
  const daemon = new NodeDaemon({
    ...{ home: await reopen(), reopen, settings, dashboard, witnesses, clock: systemClock() },
    program: { version, code: await programDigest() },
    notify: serviceNotify(world.env),
    onLine: (line) => {
      world.out(lineText(line, flags.format));
    },
  });
  await daemon.run(signal);
  return exitCodes.done;
}

/**
 * What a preflight says of this machine and this home, as far as it takes a moment. Nothing of a node that runs already: the
 * lock of the home says that.
 *
 * @throws {CliError} 'unreachable' for what keeps a node from starting, 'usage' where only rights do
 */
async function lookBeforeStart(
  home: HomeFacts,
  settings: NodeFile,
  flags: StartFlags,
  world: World,
): Promise<void> {
  const { keepsFromStarting, startFindings } = await import('../../node/index.ts');
  const { controlSocketOf } = await import('../../daemon/index.ts');
  if ((await nodeStateAt(controlSocketOf(home.folder, settings))) !== 'off') return;
  const findings = await startFindings({ home, settings, nowMs: world.dateMs });
  const bad = findings.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn');
  const textOf = ({ check, subject, found, remedy }: Finding): string =>
    `${check}: ${subject}: ${found}${remedy === null ? '' : `; do: ${remedy}`}`;
  const reasons = bad.filter(keepsFromStarting);
  for (const one of bad) {
    if (reasons.includes(one)) continue;
    const line = { atMs: world.dateMs(), level: 'warning', text: textOf(one) } as const;
    world.out(lineText(line, flags.format));
  }
  if (reasons.length === 0) return;
  const isRights = reasons.every(({ check }) => check === 'rights');
  throw new CliError(
    { code: isRights ? 'usage' : 'unreachable' },
    `not started: ${reasons.map(textOf).join('\n  ')}`,
  );
}

/** The settings of the home that the flags name. */
export async function readSettings(
  flags: HomeFlags,
  world: World,
  set: readonly string[] = [],
): Promise<DaemonSettings> {
  const { readDaemonSettings } = await import('../../daemon/index.ts');
  const { settingsFileOf } = await import('../../node/index.ts');
  const file = settingsFileOf(await lookAtOwnHome(flags, world));
  return readDaemonSettings(await readFile(file, 'utf8'), file, set.map(settingOf));
}

/** `14:20:03 warning L3: unreachable …`, or the same as JSON. */
function lineText({ atMs, level, text }: NodeLine, format: string): string {
  const at = new Date(atMs).toISOString();
  if (format === 'json') return `${JSON.stringify({ at, level, text })}\n`;
  const time = at.slice(11, 19);
  return `${time} ${level === 'info' ? '' : `${level}: `}${text}\n`;
}
