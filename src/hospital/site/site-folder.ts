/** Where a home's own cases are. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where `annulus data import` puts the cases of a home. */
export function importedCasesOf(home: string): string {
  return join(home, 'data');
}

/**
 * The folder that a node trains from: the one that its settings name, beside the home unless absolute; else what was imported;
 * null where there is neither.
 */
export function casesFolderOf(home: string, folder: string): string | null {
  if (folder !== '') return resolve(home, folder);
  const imported = importedCasesOf(home);
  return existsSync(imported) ? imported : null;
}
