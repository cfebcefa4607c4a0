/** Flags as they were typed, over what commands declare: a new flag is looked after without being named here. */
import type { Command, Option } from 'commander';

/** Parser of a flag that may be given many times. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** Long names of the flags that were typed, in the order of their declaration. */
export function givenFlags(command: Command): string[] {
  return command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map(flagOf);
}

/** Lets every command below `program` refuse a flag with a value that is given twice: one of the two would be passed over. */
export function refuseTwice(program: Command): void {
  for (const command of program.commands) {
    refuseTwice(command);
    for (const option of command.options.filter(takesOneValue)) {
      let count = 0;
      command.on(`option:${option.name()}`, () => {
        count += 1;
        if (count > 1) command.error(`${flagOf(option)} is given twice`, { exitCode: 2 });
      });
    }
  }
}

/** Whether giving the flag a second time would overwrite its first value. */
export function takesOneValue(option: Option): boolean {
  return (option.required || option.optional) && option.parseArg !== collect;
}

/** The flag as a person types it, the long name where there is one. */
export function flagOf({ long, flags }: Option): string {
  return long ?? flags;
}
