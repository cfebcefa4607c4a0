/** HTML and SVG by template, where every value is escaped unless it is markup itself. */

/** Text that is already markup. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: markup as it is, text and numbers escaped, lists joined, `null` and `false` as nothing. */
export type MarkupPart = Markup | string | number | null | false | readonly MarkupPart[];

/** Escapes what stands between the pieces; `null` and `false` become nothing, lists are joined. */
export function html(pieces: TemplateStringsArray, ...values: readonly MarkupPart[]): Markup {
  return new Markup(
    pieces
      .map((piece, index) => (index === 0 ? piece : render(values[index - 1]) + piece))
      .join(''),
  );
}

function render(part: MarkupPart | undefined): string {
  if (part === undefined || part === null || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(render).join('');
  return escapeText(String(part));
}

/** Safe inside elements and inside quoted attributes. */
export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
