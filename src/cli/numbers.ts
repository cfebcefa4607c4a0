/** Numbers in a flag. */
import { usageError } from './errors.ts';

/** `96,96,96`: so many plain numbers. @throws {CliError} 'usage' */
export function readNumbers(flag: string, text: string, count: number): number[] {
  const words = text.split(',');
  if (words.length !== count || !words.every((word) => /^\d+(\.\d+)?$/.test(word))) {
    const form = count === 1 ? 'a number' : `${count} numbers such as 96,96,96`;
    throw usageError(`${flag}: expected ${form}, got "${text}"`);
  }
  return words.map(Number);
}

/** A whole number from 0. @throws {CliError} 'usage' */
export function parseCount(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError(`${flag}: expected a whole number, got "${text}"`);
}
