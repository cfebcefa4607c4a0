import { AnnulusError } from '../base/index.ts';

/** Why a preset was refused. `file` is the name the reader was given; a flag's value has line 0. */
export type ConfigErrorFacts =
  | { readonly code: 'bad_yaml'; readonly file: string; readonly line: number }
  | { readonly code: 'too_large'; readonly file: string }
  | {
      readonly code: 'unknown_key';
      readonly file: string;
      readonly line: number;
      readonly key: string;
      readonly suggestion: string | null;
    }
  | {
      readonly code: 'bad_value';
      readonly file: string;
      readonly line: number;
      readonly key: string;
      readonly expected: string;
      readonly came: string;
    };

/** A preset or a setting on the command line is wrong; the message names file, line and key. */
export class ConfigError extends AnnulusError<ConfigErrorFacts> {}

/** `file:line` or, for what has no lines (a flag), its name. */
export function placeOf(file: string, line: number): string {
  return line === 0 ? file : `${file}:${line}`;
}
