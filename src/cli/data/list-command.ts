/** `annulus data list`: what a store holds, by the names that cases have outside of the hospital. */
import type { StoredCase } from '../../hospital/index.ts';
import { exitCodes, usageError, type ExitCode } from '../errors.ts';
import type { World } from '../world.ts';
import { caseTable } from './case-table.ts';
import { sitePlace, type PlaceFlags } from './site-place.ts';

/** As typed. */
export interface ListFlags extends PlaceFlags {
  readonly format: string;
}

/** Prints a table. Exit 0. @throws {CliError} 'usage' where nothing was imported */
export async function listCommand(flags: ListFlags, world: World): Promise<ExitCode> {
  const { caseName, SiteStore } = await import('../../hospital/index.ts');
  const { fixOf } = await import('../../data/index.ts');
  const { folder } = await sitePlace(flags, world);
  await requireStore(folder);
  // The index is read without its key: nothing in it has to be recomputed.
  const { cases } = await SiteStore.open(folder, new Uint8Array(32));
  const nameOf = ({ split, number }: StoredCase): string => `${split}/${caseName(number)}`;
  const ready = cases.filter(({ state }) => state === 'ready');
  const waiting = cases.length - ready.length;
  if (flags.format === 'json') {
    const listed = cases.map((one) => {
      const { number, split, state, rule, labels, shape, spacingMm } = one;
      return { name: nameOf(one), number, split, state, rule, labels, shape, spacingMm };
    });
    world.out(`${JSON.stringify({ folder, ready: ready.length, waiting, cases: listed })}\n`);
    return exitCodes.done;
  }
  const rows = cases.map((one) => {
    const { state, rule, labels, shape, spacingMm } = one;
    const text = 'annulus data check SOURCE names the case and says what was found';
    const problem =
      rule === null || state === 'ready' || state === 'due'
        ? null
        : { state, rule, text, fix: fixOf(rule) };
    const look = { problem, labels, shape, spacingMm, notes: [] };
    return { name: nameOf(one), state: state === 'ready' ? state : state.toUpperCase(), look };
  });
  const heldOut = ready.filter(({ split }) => split === 'test').length;
  world.out(
    `${caseTable(rows, world.columns)}\n${ready.length} ready, ${heldOut} of them held out; ${waiting} not in the store\n`,
  );
  return exitCodes.done;
}

/** @throws {CliError} 'usage' */
export async function requireStore(folder: string): Promise<void> {
  const { SiteStore } = await import('../../hospital/index.ts');
  if (await SiteStore.isAt(folder)) return;
  throw usageError(`${folder}: nothing was imported there: annulus data import SOURCE does that`);
}
