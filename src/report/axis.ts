/** Scales and ticks of the charts. */

/** Maps [from, to] of the data onto [start, end] of the page. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly from: number;
  readonly to: number;
  /** Decimals that tell the ticks apart. */
  readonly digits: number;
}

/** A linear scale whose ends are ticks: steps of 1, 2, 2.5 or 5 times a power of ten. */
export function linearScale(
  [low, high]: readonly [number, number],
  [start, end]: readonly [number, number],
  tickCountMax = 5,
): Scale {
  const span = high > low ? high - low : Math.max(Math.abs(low), 1);
  const step = niceStep(span / Math.max(1, tickCountMax - 1));
  const from = Math.floor(low / step + 1e-9) * step;
  const count = Math.max(1, Math.ceil((low + span - from) / step - 1e-9));
  const to = from + count * step;
  const digits = Math.max(
    0,
    Math.min(6, -Math.floor(Math.log10(step) + 1e-9) + (is25(step) ? 1 : 0)),
  );
  return {
    at: (value) => start + ((value - from) / (to - from)) * (end - start),
    ticks: Array.from({ length: count + 1 }, (_, index) => from + index * step),
    from,
    to,
    digits,
  };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((nice) => nice * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function is25(step: number): boolean {
  return Math.abs(step / 10 ** Math.floor(Math.log10(step) + 1e-9) - 2.5) < 1e-6;
}

/** A page coordinate with two decimals: enough for any screen, and a small file. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}
