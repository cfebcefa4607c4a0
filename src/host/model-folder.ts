/** Where a model lies: people name its folder, that of the run it came out of, or the home of the node that trained it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The file that makes a folder a model's. */
const mark = 'model.json';

/** `folder`, or `folder/model` where only that is one of a model. */
export function modelFolderOf(folder: string): string {
  const inside = join(folder, 'model');
  return !existsSync(join(folder, mark)) && existsSync(join(inside, mark)) ? inside : folder;
}
