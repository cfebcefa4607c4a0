/** When the machine is to be woken: at the end of a view, to propose again, and to say again what others may have missed. */
import type { MachineState } from './machine-state.ts';
import { viewTimeoutMs } from './settings.ts';

const resendTimer = 'resend';

/** The timers, brought in line with the state at the end of each step. */
export class MachineTimers {
  readonly #state: MachineState;
  /** Id of the view timer that runs. */
  #viewTimer: string | null = null;
  /** Whether the time of this view is up. */
  #hasViewFired = false;
  /** Id of the timer that runs before what was notarized is proposed again. */
  #againTimer: string | null = null;
  /** Whether that one ran out in this view. */
  #hasWaited = false;
  #resendDelayMs: number;
  #isResendDue = true;
  #isDue = false;
  #mustAskIsDue = true;
  /** Members that said something since this view began. */
  readonly #heard = new Set<number>();
  /** Leaders that let their last view pass without a word, and were not heard since. */
  readonly #silent = new Set<number>();

  constructor(state: MachineState) {
    this.#state = state;
    this.#resendDelayMs = state.options.settings.resendMs;
  }

  /** The next height is under decision. */
  heightBegan(): void {
    this.#isDue = false;
    this.#mustAskIsDue = true;
    this.viewBegan();
  }

  /** R1: a view has its own time. */
  viewBegan(): void {
    this.#hasViewFired = false;
    this.#hasWaited = false;
    this.#heard.clear();
    this.hurry();
  }

  /** A member said something, whatever it was. */
  heard(member: number): void {
    this.#heard.add(member);
    this.#silent.delete(member);
  }

  /**
   * R1: whether the leader of this view may propose again what the view before it notarized. At first it may not: the
   * decision is most likely on its way, and every member would vote for nothing.
   */
  get mayProposeAgain(): boolean {
    const { nota, nulli } = this.#state.now.chain;
    const { proposeAgainMs } = this.#state.options.settings;
    return nota === null || nulli !== null || this.#hasWaited || proposeAgainMs === 0;
  }

  /** This node has a vote from now on: it may still give up a view whose time was up before. */
  votingBegan(): void {
    this.#hasViewFired = false;
  }

  /** Something moved: the next retransmission is the first of a new series. */
  hurry(): void {
    this.#resendDelayMs = this.#state.options.settings.resendMs;
    this.#isResendDue = true;
  }

  /** The application may now say otherwise whether something is due. */
  applicationChanged(): void {
    this.#mustAskIsDue = true;
  }

  /** What a timer that ran out was for; `null` for one that was taken back meanwhile. */
  fired(id: string): 'resend' | 'view' | 'again' | null {
    if (id === resendTimer) {
      this.#isResendDue = true;
      const { resendMsMax } = this.#state.options.settings;
      this.#resendDelayMs = Math.min(this.#resendDelayMs * 2, resendMsMax);
      return 'resend';
    }
    if (id === this.#againTimer) {
      this.#againTimer = null;
      this.#hasWaited = true;
      return 'again';
    }
    if (id !== this.#viewTimer) return null;
    this.#viewTimer = null;
    this.#hasViewFired = true;
    const leader = this.#leader();
    if (leader !== this.#state.self && !this.#heard.has(leader)) this.#silent.add(leader);
    return 'view';
  }

  /** Sets and clears timers as the state asks for. */
  settle(): void {
    const { options, out, height, view } = this.#state;
    const isSilent = this.#silent.has(this.#leader());
    const name = `view/${height}/${view}${isSilent ? '/silent' : ''}`;
    const id = this.#isTimed() ? name : null;
    this.#viewTimer = this.#kept(this.#viewTimer, id);
    if (id !== null && this.#viewTimer === null && !this.#hasViewFired) {
      this.#viewTimer = id;
      const { silentLeaderMs } = options.settings;
      const fullMs = viewTimeoutMs(options.settings, view);
      const delayMs = isSilent ? Math.min(silentLeaderMs, fullMs) : fullMs;
      out.push({ kind: 'setTimer', id, delayMs });
    }
    const again = this.#isHoldingBack() ? `again/${height}/${view}` : null;
    this.#againTimer = this.#kept(this.#againTimer, again);
    if (again !== null && this.#againTimer === null) {
      this.#againTimer = again;
      out.push({ kind: 'setTimer', id: again, delayMs: options.settings.proposeAgainMs });
    }
    if (this.#isResendDue) {
      this.#isResendDue = false;
      const delayMs = Math.round(this.#resendDelayMs * (0.5 + options.random.uniform()));
      out.push({ kind: 'setTimer', id: resendTimer, delayMs });
    }
  }

  #leader(): number {
    const { now, view } = this.#state;
    return now.leader(view);
  }

  /** The timer that runs if it is the wanted one; else it is taken back. */
  #kept(running: string | null, wanted: string | null): string | null {
    if (running === null || running === wanted) return running;
    this.#state.out.push({ kind: 'clearTimer', id: running });
    return null;
  }

  /** Whether this node leads the view and waits before it proposes again. */
  #isHoldingBack(): boolean {
    const { now, isVoter, view, self } = this.#state;
    if (!isVoter || this.mayProposeAgain || now.leader(view) !== self) return false;
    return now.rules.maySign('PROPOSE', view);
  }

  /** R1: a view has all the time there is until something is due, or begun and not ended. */
  #isTimed(): boolean {
    const { now, isVoter, height, view, options } = this.#state;
    if (!isVoter) return false;
    if (now.chain.nota !== null || now.proposals.has(view)) return true;
    if (this.#mustAskIsDue) this.#isDue = options.application.isDue(height);
    this.#mustAskIsDue = false;
    return this.#isDue;
  }
}
