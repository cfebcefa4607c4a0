/** Witnesses outside the consortium cosign this node's log, beside everything else: what they fail at is told and stops nothing. */
import { messageOf, type CancelTimer, type Clock } from '../base/index.ts';
import {
  outsideWitnesses,
  postBytes,
  WitnessClient,
  type WitnessSettings,
} from '../auditor/index.ts';
import type { NodeEvent } from '../dashboard/index.ts';
import { diskStore } from '../host/index.ts';
import { logReader } from './log-reader.ts';

/** What this works with. */
export interface OutsideWitnessOptions {
  readonly settings: WitnessSettings;
  readonly clock: Clock;
  /** With `log/`; what witnesses cosigned is kept in `witness/outside/`. */
  readonly nodeFolder: string;
  readonly onFact: (fact: NodeEvent) => void;
}

const noticeCode = 'outside-witness';

/** Asks again and again, until it is ended. @returns its end */
export function askOutsideWitnesses(options: OutsideWitnessOptions): () => Promise<void> {
  const { settings, clock, nodeFolder, onFact } = options;
  const witnesses = outsideWitnesses(settings);
  if (witnesses.length === 0) return () => Promise.resolve();
  const log = { read: logReader(nodeFolder) };
  const store = diskStore(nodeFolder);
  const client = new WitnessClient(witnesses, { log, store, post: postBytes, clock });
  let isOver = false;
  let cancel: CancelTimer = () => undefined;
  let underWay: Promise<void> = Promise.resolve();
  const ask = async (): Promise<void> => {
    const problems: string[] = [];
    try {
      const states = await client.submit();
      if (isOver) return;
      onFact({ kind: 'outside-witnesses', witnesses: states });
      for (const { name, problem } of states)
        if (problem !== null) problems.push(`${name}: ${problem}`);
    } catch (error) {
      problems.push(messageOf(error));
    }
    if (isOver) return;
    tell(problems);
    cancel = clock.setTimer(settings.everyS * 1000, () => {
      underWay = ask();
    });
  };
  let told = '';
  const tell = (problems: readonly string[]): void => {
    const text = problems.join('; ');
    if (text === told) return;
    told = text;
    if (text === '') {
      onFact({ kind: 'notice-over', code: noticeCode });
      return;
    }
    const remedy =
      'rounds go on without it; look at witnesses.ask in node.yaml, or ask its operator';
    const what = `a witness outside the consortium has not cosigned the log: ${text}`;
    const notice = { kind: 'notice', code: noticeCode, level: 'warning', text: what } as const;
    onFact({ ...notice, remedy, atMs: clock.nowMs() });
  };
  underWay = ask();
  return async () => {
    isOver = true;
    cancel();
    await underWay;
  };
}
