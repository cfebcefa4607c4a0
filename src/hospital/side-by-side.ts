/** Work on many things at once that leaves nothing running behind it. */

/**
 * `work` on all items, at most `countMax` at once; results in the order of the items. Fails when one fails, but not
 * before all that began have ended: nothing writes to a folder that its caller has let go.
 */
export async function eachOf<T, R>(
  items: readonly T[],
  countMax: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const errors: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && errors.length === 0) {
      const at = next++;
      try {
        results[at] = await work(items[at] as T);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(countMax, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
  return results;
}
