/**
 * A strict reader of Prometheus' text format 0.0.4, written from its page and sharing nothing with our writer.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: { readonly labels: ReadonlyMap<string, string>; readonly value: number }[];
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
const valueForm = /^(NaN|[+-]?Inf|[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)$/;

/** @throws whatever is not exactly the format, families in one piece, each with HELP, then TYPE, then samples, no series twice */
export function parseExposition(text: string): ReadonlyMap<string, ParsedFamily> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no line feed');
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let help: [string, string] | null = null;
  let current: string | null = null;
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith('#')) {
      const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
      if (kind === undefined) throw new Error(`no HELP and no TYPE: ${line}`);
      if (!nameForm.test(name!)) throw new Error(`no name: ${line}`);
      if (kind === 'HELP') {
        if (help !== null) throw new Error(`HELP without TYPE: ${help[0]}`);
        if (/\\(?![\\n])/.test(rest!)) throw new Error(`bad escape: ${line}`);
        help = [name!, rest!];
      } else {
        if (help?.[0] !== name) throw new Error(`TYPE without its HELP: ${line}`);
        if (!types.includes(rest!)) throw new Error(`no type: ${line}`);
        if (families.has(name!)) throw new Error(`a second family ${name}`);
        families.set(name!, { type: rest!, help: help![1], samples: [] });
        [current, help] = [name!, null];
      }
      continue;
    }
    const { name, labels, value } = parseSample(line);
    if (name !== current || help !== null) throw new Error(`not in its family: ${line}`);
    const key = `${name}${JSON.stringify([...labels].sort())}`;
    if (seen.has(key)) throw new Error(`a second time: ${line}`);
    seen.add(key);
    families.get(name)!.samples.push({ labels, value });
  }
  if (help !== null) throw new Error(`HELP without TYPE: ${help[0]}`);
  for (const [name, { samples }] of families)
    if (samples.length === 0) throw new Error(`empty: ${name}`);
  return families;
}

function parseSample(line: string): { name: string; labels: Map<string, string>; value: number } {
  const [name = ''] = /^[^{ ]+/.exec(line) ?? [];
  if (!nameForm.test(name)) throw new Error(`no name: ${line}`);
  let rest = line.slice(name.length);
  const labels = new Map<string, string>();
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (;;) {
      const [all, label, value] = /^([^=]*)="((?:[^"\\]|\\.)*)"/.exec(rest) ?? [];
      if (all === undefined || !labelName.test(label!)) throw new Error(`no label: ${line}`);
      if (/\\(?![\\n"])/.test(value!.replaceAll('\\\\', '')))
        throw new Error(`bad escape: ${line}`);
      if (labels.has(label!)) throw new Error(`a label twice: ${line}`);
      const unescaped = value!.replace(/\\(.)/g, (_, letter: string) =>
        letter === 'n' ? '\n' : letter,
      );
      labels.set(label!, unescaped);
      rest = rest.slice(all.length);
      if (rest.startsWith('}')) break;
      if (!rest.startsWith(',')) throw new Error(`no comma: ${line}`);
      rest = rest.slice(1);
    }
    rest = rest.slice(1);
  }
  const [, value] = /^ (\S+)$/.exec(rest) ?? [];
  if (value === undefined || !valueForm.test(value)) throw new Error(`no value: ${line}`);
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}
