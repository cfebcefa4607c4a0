/** Looks at a hospital's own folder at the start and again and again, and says in one notice what cannot be used. */
import type { Clock } from '../base/index.ts';
import type { NodeFact } from '../dashboard/index.ts';
import { HostError, machineFault } from '../host/index.ts';
import { HospitalError, type OwnCaseBook, type OwnCasesReport } from '../hospital/index.ts';

/** What the watch works with. */
export interface OwnDataOptions {
  /** As the plan in force wants images; null for a member without cases. */
  readonly book: () => Pick<OwnCaseBook, 'look'> | null;
  readonly lookEveryMs: number;
  /** Where the cases are put. */
  readonly storeFolder: string;
  /** Runs a change of the cases while no job reads them. */
  readonly between: (work: () => Promise<void>) => Promise<void>;
  readonly clock: Clock;
  readonly onFact: (fact: NodeFact) => void;
  readonly onFault: (fault: HostError) => void;
  /** A later look threw what none should: a fault of this program. */
  readonly onFailure: (error: unknown) => void;
  /** Tasks that the manifest says this hospital labels. */
  readonly labels: () => readonly string[];
}

/** The counts of the last look, and what was set aside: for this machine's own commands alone. */
export type OwnData = OwnCasesReport;

/** See the file's header. */
export class OwnDataWatch {
  readonly #options: OwnDataOptions;
  #last: OwnData | null = null;
  #isStopped = false;
  #cancel: () => void = () => undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: OwnDataOptions) {
    this.#options = options;
  }

  get last(): OwnData | null {
    return this.#last;
  }

  /** The first look. Resolves when all cases are taken. */
  async start(): Promise<void> {
    const { book, onFact, clock } = this.#options;
    if (book() === null) {
      const text =
        'no folder of cases is set: this node votes and keeps models, and trains nothing';
      const remedy =
        'annulus data import FOLDER, or set data.folder in node.yaml, if this hospital has cases';
      const atMs = clock.nowMs();
      onFact({ kind: 'notice', code: 'no-cases', level: 'info', text, remedy, atMs });
      return;
    }
    await this.#look();
    this.#schedule();
  }

  /** Resolves when no look is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#looking;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#options.clock.setTimer(this.#options.lookEveryMs, () => {
      this.#looking = this.#look().then(() => {
        this.#schedule();
      }, this.#options.onFailure);
    });
  }

  async #look(): Promise<void> {
    const { between, onFault } = this.#options;
    const book = this.#options.book();
    if (book === null) return;
    try {
      this.#last = await book.look(between);
      this.#tell(this.#last);
    } catch (error) {
      const fault = machineFault(error);
      // A folder of cases that is away is no fault of this node's own disk.
      if (fault !== null && isWithin(fault, this.#options.storeFolder)) onFault(fault);
      else if (error instanceof HostError) this.#sayAway(error);
      else if (error instanceof HospitalError) this.#sayUntaken(error);
      else throw error;
    }
  }

  #tell({ counts, taken, removed, setAside }: OwnData): void {
    const { onFact, clock, labels } = this.#options;
    const atMs = clock.nowMs();
    onFact({ kind: 'notice-over', code: 'cases-away' });
    if (taken + removed > 0) {
      const text = `own cases: ${taken} taken, ${removed} removed; ${countsText(counts)}`;
      onFact({ kind: 'notice', code: 'cases', level: 'info', text, remedy: null, atMs });
    }
    if (setAside.length === 0) onFact({ kind: 'notice-over', code: 'cases-set-aside' });
    else {
      const text = `${setAside.length} of the own cases cannot be used and are set aside`;
      const remedy =
        'annulus status --cases names them and says why; they are looked at again when they change';
      onFact({ kind: 'notice', code: 'cases-set-aside', level: 'warning', text, remedy, atMs });
    }
    const missing = labels().filter((task) => counts[task as 'hps' | 'ms' | 'calc'] === 0);
    if (missing.length === 0) onFact({ kind: 'notice-over', code: 'labels-missing' });
    else {
      const text = `the manifest says that this hospital labels ${missing.join(', ')}, and no case of its folder is labelled so: its updates will be missing`;
      const remedy = 'add the labels, or have a version of the manifest without them signed';
      onFact({ kind: 'notice', code: 'labels-missing', level: 'warning', text, remedy, atMs });
    }
  }

  #sayAway({ facts }: HostError): void {
    const { onFact, clock } = this.#options;
    // Not the message: a path in it may end in a patient's name.
    const reason = facts.code === 'bad_cases' ? facts.expected : facts.code.replace('_', ' ');
    const text = `the folder of own cases cannot be read (${reason}); training goes on with the cases taken before`;
    const remedy = 'mount it, or correct data.folder in node.yaml and start the node again';
    const atMs = clock.nowMs();
    onFact({ kind: 'notice', code: 'cases-away', level: 'warning', text, remedy, atMs });
  }

  /** A worker that took a case has died, or threw: the next look takes the case again. */
  #sayUntaken({ code }: HospitalError): void {
    const { onFact, clock } = this.#options;
    // The code alone: a reason may name a file, and a file may be named after a patient.
    const text = `own cases could not be taken (${code.replaceAll('_', ' ')}); training goes on with the cases taken before`;
    const remedy = 'it is tried again; look whether this machine has too little memory';
    const atMs = clock.nowMs();
    onFact({ kind: 'notice', code: 'cases-away', level: 'warning', text, remedy, atMs });
  }
}

/** `3 hps, 2 ms, 0 calc, 1 without a label, 2 held out`. */
export function countsText({ hps, ms, calc, unlabelled, test }: OwnData['counts']): string {
  return `${hps} hps, ${ms} ms, ${calc} calc, ${unlabelled} without a label, ${test} held out`;
}

function isWithin({ facts }: HostError, folder: string): boolean {
  return 'path' in facts && facts.path.startsWith(folder);
}
