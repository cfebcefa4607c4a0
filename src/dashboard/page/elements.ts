/** Elements made by name, never from text: what comes from the node is only ever written as text. */

/** What may stand inside an element; null is nothing. */
export type Child = Node | string | number | null;

type Attributes = Readonly<Record<string, string | number | null>>;

const svgNamespace = 'http://www.w3.org/2000/svg';

/** An HTML element. An attribute that is null is left out. */
export function element(
  name: string,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElement {
  return filled(document.createElement(name), attributes, children);
}

/** An element of a drawing. */
export function svg(name: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  return filled(document.createElementNS(svgNamespace, name), attributes, children);
}

function filled<T extends Element>(made: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) made.setAttribute(key, String(value));
  }
  made.append(
    ...children.flatMap((child) =>
      child === null ? [] : typeof child === 'number' ? String(child) : child,
    ),
  );
  return made;
}

/** The element of the document with this id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element ${id}`);
  return found;
}

/**
 * Makes the children of `parent` those of `made`, and leaves alone what is equal already: a selection stays, and a screen
 * reader says only what is new.
 */
export function patch(parent: Element, made: readonly Element[]): void {
  made.forEach((child, index) => {
    const old = parent.children[index];
    if (old === undefined) parent.append(child);
    else if (!old.isEqualNode(child)) old.replaceWith(child);
  });
  while (parent.children.length > made.length) parent.lastElementChild?.remove();
}
