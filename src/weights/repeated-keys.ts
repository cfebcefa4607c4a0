/** Finds what `JSON.parse` hides: two keys of one name in one object. */

/**
 * Whether some object in `text` has two equal keys (after unescaping). `text` must already have parsed as
 * JSON: this walks its tokens only.
 */
export function hasRepeatedKeys(text: string): boolean {
  // A string, or one structural character; everything else is of no interest.
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs;
  const objects: (Set<string> | null)[] = []; // null: inside an array
  let lastString = '';
  for (const [found] of text.matchAll(token)) {
    if (found === '{') objects.push(new Set());
    else if (found === '[') objects.push(null);
    else if (found === '}' || found === ']') objects.pop();
    else if (found === ':') {
      const keys = objects.at(-1);
      const key = JSON.parse(lastString) as string;
      if (keys?.has(key) === true) return true;
      keys?.add(key);
    } else if (found !== ',') lastString = found;
  }
  return false;
}
