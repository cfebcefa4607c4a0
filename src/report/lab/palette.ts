/** Colours of the laboratory's figures: the same thing has the same colour on every page. */

/** Okabe and Ito's colours, which people who do not see red and green tell apart, without yellow, which paper swallows. */
const colours = [
  ...['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#5b4b9a', '#7a7a7a'],
] as const;

/** Words whose place in their list is their colour, wherever they stand. */
const known: readonly (readonly string[])[] = [
  ['ring', 'complete', 'torus', 'exponential', 'regular', 'el-oracle', 'el-local', 'star'],
  ['none', 'top-k', 'random-k', 'int8', 'int4', 'sign', 'low-rank'],
  ['d-psgd', 'gradient-tracking', 'push-sum', 'choco'],
];

/** One for each name, different as long as there are colours: names that are known keep theirs. */
export function coloursOf(names: readonly string[]): string[] {
  const wanted = names.map((name) => {
    const last = name.split(/[ ,]+/).at(-1) ?? '';
    const list = known.find((words) => words.includes(last));
    return list === undefined ? -1 : list.indexOf(last);
  });
  const isUsable = wanted.every((at) => at >= 0) && new Set(wanted).size === wanted.length;
  return names.map(
    (_, at) => colours[(isUsable ? (wanted[at] as number) : at) % colours.length] as string,
  );
}
