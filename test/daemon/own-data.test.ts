import { expect } from 'chai';
import { OwnDataWatch } from '../../src/daemon/own-data.ts';
import type { NodeFact } from '../../src/dashboard/index.ts';
import { HostError } from '../../src/host/index.ts';
import { HospitalError, type OwnCasesReport } from '../../src/hospital/index.ts';

const none = { counts: { hps: 1, ms: 0, calc: 0, unlabelled: 0, test: 1 } };
const quiet: OwnCasesReport = { ...none, taken: 0, removed: 0, setAside: [] };

/** A watch over looks that come out like this, one after the other; timers fire when told. */
function watchOf(...looks: (OwnCasesReport | Error)[]): {
  watch: OwnDataWatch;
  facts: NodeFact[];
  faults: HostError[];
  failures: unknown[];
  fire: () => Promise<void>;
} {
  const facts: NodeFact[] = [];
  const faults: HostError[] = [];
  const failures: unknown[] = [];
  let due = (): void => undefined;
  const book = {
    look: (): Promise<OwnCasesReport> => {
      const next = looks.shift() ?? quiet;
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
  };
  const watch = new OwnDataWatch({
    ...{ book: () => book, lookEveryMs: 1000, storeFolder: '/home/cases' },
    between: (work) => work(),
    clock: {
      nowMs: () => 5,
      setTimer: (_, fire) => {
        due = fire;
        return () => (due = () => undefined);
      },
    },
    onFact: (fact) => facts.push(fact),
    onFault: (fault) => faults.push(fault),
    onFailure: (error) => failures.push(error),
    labels: () => ['hps', 'ms'],
  });
  const fire = async (): Promise<void> => {
    due();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { watch, facts, faults, failures, fire };
}
const codesOf = (facts: readonly NodeFact[], kind: 'notice' | 'notice-over'): string[] =>
  facts.flatMap((fact) => (fact.kind === kind ? [fact.code] : []));

describe("the watch over a hospital's own cases", () => {
  it('tells counts and what is set aside, and names nothing', async () => {
    const setAside = [{ name: 'train/Smith', problem: 'ct: of Mr Smith' }];
    const { watch, facts } = watchOf({ ...quiet, taken: 1, setAside });
    await watch.start();
    expect(codesOf(facts, 'notice')).deep.equal(['cases', 'cases-set-aside', 'labels-missing']);
    expect(JSON.stringify(facts)).not.contain('Smith');
    expect(watch.last?.setAside).deep.equal(setAside);
    await watch.stop();
  });

  it('looks again, and takes back what is over', async () => {
    const setAside = [{ name: 'train/a', problem: 'none' }];
    const { watch, facts, fire } = watchOf({ ...quiet, setAside }, quiet);
    await watch.start();
    facts.length = 0;
    await fire();
    expect(codesOf(facts, 'notice-over')).include('cases-set-aside');
    await watch.stop();
    facts.length = 0;
    await fire();
    expect(facts).deep.equal([]);
  });

  it('looks again when a worker has crashed over a case', async () => {
    const crashed = new HospitalError({
      ...{ code: 'worker_crashed', method: 'takeCase', reason: 'of train/Smith' },
    });
    const { watch, facts, fire } = watchOf(quiet, crashed, quiet);
    const lost: unknown[] = [];
    const hear = (error: unknown): void => void lost.push(error);
    process.on('unhandledRejection', hear);
    try {
      await watch.start();
      facts.length = 0;
      await fire();
      expect(codesOf(facts, 'notice')).deep.equal(['cases-away']);
      expect(JSON.stringify(facts)).contain('worker crashed').not.contain('Smith');
      await fire();
      expect(codesOf(facts, 'notice-over')).include('cases-away');
      await watch.stop();
    } finally {
      process.off('unhandledRejection', hear);
    }
    expect(lost).deep.equal([]);
  });

  it('goes on with what it has while the folder is away, without a path in its words', async () => {
    const path = '/data/heart/train/Smith';
    const away = new HostError({
      code: 'bad_cases',
      path,
      expected: 'expected a folder, found nothing',
    });
    const denied = new HostError({ code: 'disk_denied', path });
    const { watch, facts, faults, fire } = watchOf(quiet, away, denied, quiet);
    await watch.start();
    facts.length = 0;
    await fire();
    expect(codesOf(facts, 'notice')).deep.equal(['cases-away']);
    await fire();
    expect(codesOf(facts, 'notice')).deep.equal(['cases-away', 'cases-away']);
    expect(JSON.stringify(facts)).not.contain('Smith');
    await fire();
    expect(codesOf(facts, 'notice-over')).include('cases-away');
    expect(faults).deep.equal([]);
    await watch.stop();
  });

  it('hands on a fault of the own disk', async () => {
    const fault = new HostError({ code: 'disk_full', path: '/home/cases/train/x' });
    const { watch, faults } = watchOf(fault);
    await watch.start();
    expect(faults).deep.equal([fault]);
    await watch.stop();
  });

  it('hands on what no look should throw, and looks no more', async () => {
    const broken = new Error('a fault of this program');
    const { watch, facts, faults, failures, fire } = watchOf(quiet, broken);
    await watch.start();
    const before = facts.length;
    await fire();
    expect(failures).deep.equal([broken]);
    expect(faults).deep.equal([]);
    expect(facts).lengthOf(before);
    await watch.stop();
  });
});
