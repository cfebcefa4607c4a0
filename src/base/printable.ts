/** Text from outside on a terminal or in a log: nothing in it moves the cursor, colours, or begins another line. */

/** What JSON writes with a letter. */
const letters: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** Controls (C0, DEL, C1), line and paragraph separators, and what turns the direction of writing round. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * One line of text with every unprintable character escaped as JSON escapes it, `\n` or `\u001b`: a JSON document stays the
 * document it was.
 */
export function printableLine(text: string): string {
  return text.replace(unprintable, escaped);
}

/** As `printableLine`, of text whose line feeds are our own. */
export function printableText(text: string): string {
  return text.replace(unprintable, (character) =>
    character === '\n' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16).padStart(4, '0');
  return letters[character] ?? `\\u${code}`;
}
