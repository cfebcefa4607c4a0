/** Which version this is. */
import { readFile } from 'node:fs/promises';
import { packageFile } from '../host/index.ts';

/** The version in package.json. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(packageFile('package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
