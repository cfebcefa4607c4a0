/** What came of all cases, in one line. */
import type { ImportedCase } from '../../hospital/index.ts';

/** How many of each. */
export interface SiteCounts {
  readonly ready: number;
  readonly quarantined: number;
  readonly ask: number;
  readonly passedOver: number;
  /** Ready cases that are held out. */
  readonly heldOut: number;
  /** Ready cases to train on with each label. */
  readonly labelled: Readonly<Record<'hps' | 'ms' | 'calc' | 'heart', number>>;
}

/** Counts and a line. */
export function summaryOf(
  cases: readonly ImportedCase[],
  passedOver: number,
): { readonly counts: SiteCounts; readonly text: string } {
  const of = (state: string): number => cases.filter(({ look }) => look.state === state).length;
  const ready = cases.filter(({ look }) => look.state === 'ready');
  const heldOut = ready.filter(({ name, stored }) => (stored ?? name).startsWith('test/')).length;
  const train = ready.filter(({ name, stored }) => !(stored ?? name).startsWith('test/'));
  const withLabel = (label: string): number =>
    train.filter(({ look }) => look.labels.includes(label)).length;
  const labelled = {
    ...{ hps: withLabel('hps'), ms: withLabel('ms') },
    ...{ calc: withLabel('calc'), heart: withLabel('heart') },
  };
  const counts = { ready: ready.length, quarantined: of('quarantined'), ask: of('ask'), passedOver, heldOut, labelled }; // prettier-ignore
  const labels = Object.entries(labelled).map(([label, count]) => `${label} ${count}`);
  const parts = [
    `${ready.length} ready`,
    ...(counts.quarantined > 0 ? [`${counts.quarantined} quarantined`] : []),
    ...(counts.ask > 0 ? [`${counts.ask} to ask about`] : []),
  ];
  const hidden = passedOver === 0 ? '' : `; ${passedOver} hidden and system files passed over`;
  return {
    counts,
    text: `${parts.join(', ')}: ${train.length} to train on (${labels.join(', ')}), ${heldOut} held out${hidden}`,
  };
}
