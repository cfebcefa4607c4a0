/** Text that fits a terminal. */
import { printableLine } from '../base/index.ts';

/** Broken at blanks into lines of at most `width`, but for words that are longer. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of printableLine(text).split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > Math.max(20, width)) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
