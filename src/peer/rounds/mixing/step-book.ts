/**
 * What the members of a mixing have said of their steps, as one node sees it, and who keeps the others from the end. Steps
 * and reports go to every member, so that all see alike who is late. Synchronous; members are counted as the CUT has them.
 */
import type { Digest } from '../../../base/index.ts';
import type { MixingSchedule } from '../../../gossip/index.ts';
import type { MixingReport, StepStatement } from '../../../wire/index.ts';

/** A statement that is here, with its signature checked. */
export interface Held<T> {
  readonly statement: T;
  /** Of the envelope. */
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** When it came, ms since 1970. */
  readonly atMs: number;
}

/** What one member has said. */
interface Voice {
  readonly steps: Map<number, Held<StepStatement>>;
  report: Held<MixingReport> | null;
  /** What no honest member signs; null for nothing. */
  fault: string | null;
  /** By step, whose states it lacks, and since when it says so. */
  readonly lacks: Map<number, Map<number, number>>;
  /** Steps whose states this node could not get either. */
  readonly withheld: Set<number>;
  /** By step, members that can use its state whatever they say, and since when this node knows. */
  readonly cleared: Map<number, Map<number, number>>;
}

/** What a look at a state that somebody cannot use came to. */
export type StateVerdict =
  /** Nobody can use it. */
  | 'bad'
  /** It does not come here either. */
  | 'withheld'
  /** There is nothing wrong with it, under the very key that its receiver got. */
  | 'fits';

/** See the file's header. */
export class StepBook {
  readonly #schedule: MixingSchedule;
  readonly #beganAtMs: number;
  readonly #patienceMs: number;
  readonly #voices: readonly Voice[];

  /** @param patienceMs how long all wait for a member that could go on */
  constructor(schedule: MixingSchedule, beganAtMs: number, patienceMs: number) {
    this.#schedule = schedule;
    this.#beganAtMs = beganAtMs;
    this.#patienceMs = patienceMs;
    this.#voices = Array.from({ length: schedule.size }, (): Voice => {
      return {
        steps: new Map(),
        report: null,
        fault: null,
        lacks: new Map(),
        withheld: new Set(),
        cleared: new Map(),
      };
    });
  }

  /** What a member said of a step; null while it is not here. */
  step(member: number, step: number): Held<StepStatement> | null {
    return this.#voices[member]?.steps.get(step) ?? null;
  }

  /** The steps of a member that are here, from one on, at most `max`. */
  stepsFrom(member: number, step: number, max: number): Held<StepStatement>[] {
    const steps = [...(this.#voices[member]?.steps ?? [])].sort(([a], [b]) => a - b);
    return steps
      .filter(([at]) => at >= step)
      .map(([, held]) => held)
      .slice(0, max);
  }

  /** A member's last step; null before its first. */
  lastStep(member: number): Held<StepStatement> | null {
    const steps = this.#voices[member]?.steps ?? new Map<number, Held<StepStatement>>();
    return steps.get(Math.max(...steps.keys())) ?? null;
  }

  /** @returns why it is refused, or null */
  takeStep(member: number, held: Held<StepStatement>): string | null {
    const voice = this.#voices[member];
    if (voice === undefined) return 'its author is not mixed';
    const { step } = held.statement;
    if (step >= this.#schedule.steps) return `step ${step} of ${this.#schedule.steps}`;
    const known = voice.steps.get(step);
    if (known === undefined) voice.steps.set(step, held);
    else if (known.statement.state !== held.statement.state) {
      voice.fault ??= `two states of step ${step}`;
      return voice.fault;
    }
    return null;
  }

  /** @returns why it is refused, or null */
  takeReport(member: number, held: Held<MixingReport>): string | null {
    const voice = this.#voices[member];
    if (voice === undefined) return 'its author is not mixed';
    if (voice.report === null) voice.report = held;
    else if (voice.report.digest !== held.digest) voice.fault ??= 'two reports';
    return voice.fault ?? this.#reportFault(member);
  }

  /** A member says whose states of a step it lacks. */
  takeLacks(member: number, step: number, from: readonly number[], nowMs: number): void {
    const voice = this.#voices[member];
    if (voice === undefined || step >= this.#schedule.steps) return;
    const before = voice.lacks.get(step);
    const heard = this.#schedule.incoming(step, member).map((link) => link.from);
    const lacked = from.filter((one) => one !== member && heard.includes(one));
    voice.lacks.set(step, new Map(lacked.map((one) => [one, before?.get(one) ?? nowMs])));
  }

  /** This node has looked at a state of which a receiver says that it cannot use it. */
  judged(
    member: number,
    step: number,
    receiver: number,
    verdict: StateVerdict,
    nowMs: number,
  ): void {
    const voice = this.#voices[member];
    if (voice === undefined) return;
    if (verdict === 'withheld') {
      voice.withheld.add(step);
      return;
    }
    voice.withheld.delete(step);
    if (verdict === 'bad') voice.fault ??= `a state of step ${step} that nobody can use`;
    const cleared = voice.cleared.get(step) ?? new Map<number, number>();
    if (verdict === 'fits' && !cleared.has(receiver)) {
      voice.cleared.set(step, cleared.set(receiver, nowMs));
    }
  }

  /** A member's report, if it goes with what was said of the steps; null while it is not here, or when it does not. */
  report(member: number): Held<MixingReport> | null {
    const voice = this.#voices[member];
    const isSound = voice?.fault === null && this.#reportFault(member) === null;
    return isSound ? voice.report : null;
  }

  /** Everybody's reports; null while one is not here. */
  reports(): Held<MixingReport>[] | null {
    if (this.#voices.some(({ report }) => report === null)) return null;
    const all = this.#voices.map((_, member) => this.report(member));
    return all.every((one) => one !== null) ? all : null;
  }

  /** Whether nobody need wait for a member any more. */
  isStuck(member: number, nowMs: number): boolean {
    const voice = this.#voices[member];
    if (voice === undefined) return false;
    if (voice.fault !== null || this.#reportFault(member) !== null) return true;
    const isOver = (sinceMs: number): boolean => nowMs - sinceMs > this.#patienceMs;
    const readyAtMs = this.#readyAtMs(member);
    const blames = this.#blames(member);
    const isRight = blames.some(({ blamed, step }) => this.#isAtFault(blamed, step));
    // Who says why it does not go on is let go no sooner than whom it blames.
    const [blameAtMs = 0] = blames.map(({ sinceMs }) => sinceMs).sort((a, b) => a - b);
    if (!isRight && readyAtMs !== null && isOver(Math.max(readyAtMs, blameAtMs))) return true;
    // Whose state somebody cannot use, for so long, and this node cannot tell which of the two is at fault, or knows it.
    return [...this.#voices.keys()].some((other) =>
      this.#blames(other).some(
        ({ blamed, sinceMs, isCleared }) => blamed === member && !isCleared && isOver(sinceMs),
      ),
    );
  }

  #isAtFault(member: number, step: number): boolean {
    const voice = this.#voices[member];
    return voice !== undefined && (voice.fault !== null || voice.withheld.has(step));
  }

  /** Whose states a member cannot use although it was said that they are there, and since when it has said so. */
  #blames(member: number): {
    readonly blamed: number;
    readonly step: number;
    readonly sinceMs: number;
    readonly isCleared: boolean;
  }[] {
    const step = this.#said(member) - 1;
    const lacked = this.#voices[member]?.lacks.get(step) ?? new Map<number, number>();
    return [...lacked].flatMap(([blamed, sinceMs]) => {
      const said = this.step(blamed, step);
      if (said === null) return [];
      const clearedAtMs = this.#voices[blamed]?.cleared.get(step)?.get(member);
      // What this node has it can give: from then on the time begins anew.
      const fromMs = Math.max(sinceMs, said.atMs, clearedAtMs ?? 0);
      return [{ blamed, step, sinceMs: fromMs, isCleared: clearedAtMs !== undefined }];
    });
  }

  /** Members that can be waited for no longer. */
  stuck(nowMs: number): number[] {
    return [...this.#voices.keys()].filter((member) => this.isStuck(member, nowMs));
  }

  /**
   * Members that have had all they need for what they say next for longer than `afterMs`, by the step that is missing here:
   * it may have been lost on its way.
   */
  gaps(nowMs: number, afterMs: number): Map<number, number[]> {
    const gaps = new Map<number, number[]>();
    for (const member of this.#voices.keys()) {
      const readyAtMs = this.#readyAtMs(member);
      const step = this.#said(member);
      if (readyAtMs === null || nowMs - readyAtMs <= afterMs || step >= this.#schedule.steps)
        continue;
      gaps.set(step, [...(gaps.get(step) ?? []), member]);
    }
    return gaps;
  }

  /** How much a member has said: its steps from the first on, without a gap, and its report after the last. */
  #said(member: number): number {
    const voice = this.#voices[member];
    let count = 0;
    while (voice?.steps.has(count) === true) count += 1;
    const hasReport = (voice?.report ?? null) !== null;
    return count === this.#schedule.steps && hasReport ? count + 1 : count;
  }

  /** Since when a member has had all it needs for what it says next; null when it has not, or has said all. */
  #readyAtMs(member: number): number | null {
    const next = this.#said(member);
    if (next > this.#schedule.steps) return null;
    let atMs = this.#beganAtMs;
    if (next === 0) return atMs;
    for (const { from } of this.#schedule.incoming(next - 1, member)) {
      const said = this.step(from, next - 1);
      if (said === null) return null;
      atMs = Math.max(atMs, said.atMs);
    }
    return atMs;
  }

  /** What is wrong with a report beside what was said of the steps; null for nothing, or when there is none. */
  #reportFault(member: number): string | null {
    const steps = this.#voices[member]?.report?.statement.steps;
    if (steps === undefined) return null;
    if (steps.length !== this.#schedule.steps) return `a report of ${steps.length} steps`;
    for (const [step, { sent, to, received }] of steps.entries()) {
      const own = this.step(member, step);
      if (own !== null && own.statement.state !== sent) return `another state of step ${step}`;
      if (to.join() !== this.#schedule.listeners(step, member).join()) {
        return `other receivers of step ${step}`;
      }
      const others = this.#schedule.incoming(step, member).filter(({ from }) => from !== member);
      if (received.map(([from]) => from).join() !== others.map(({ from }) => from).join()) {
        return `other senders of step ${step}`;
      }
      for (const [from, state] of received) {
        const said = this.step(from, step);
        if (said !== null && said.statement.state !== state) return `another sender's step ${step}`;
      }
    }
    return null;
  }
}
