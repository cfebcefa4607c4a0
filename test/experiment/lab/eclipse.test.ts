/** Attackers that surround one node. */
import { expect } from 'chai';
import { eclipsedGraphs, placeAttackers } from '../../../src/experiment/lab/eclipse.ts';
import { Graphs } from '../../../src/experiment/lab/graphs.ts';
import type { LabSettings } from '../../../src/experiment/lab/settings.ts';
import { labForm } from '../../../src/experiment/lab/settings-form.ts';
import { decodeState } from '../../../src/experiment/lab/state-file.ts';
import { loadSection } from '../../../src/config/index.ts';
import { run, settingsWith } from './lab-orders.ts';

/** Settings of an eclipse, the graphs as they were drawn and as they are, and who attacks. */
function eclipse(
  nodes: number,
  topology: Partial<LabSettings['topology']>,
  attack: Partial<LabSettings['attack']>,
): { drawn: Graphs; bent: ReturnType<typeof eclipsedGraphs>; attackers: number[] } {
  const settings = settingsWith({ nodes, topology, attack: { kind: 'sign-flip', ...attack } });
  const drawn = new Graphs(settings, undefined);
  const isAttacker = placeAttackers(settings, drawn);
  const attackers = [...isAttacker.keys()].filter((node) => isAttacker[node] === 1);
  return { drawn, bent: eclipsedGraphs(settings, drawn, isAttacker), attackers };
}

describe('an eclipse', () => {
  it('has its attackers where the victim listens, in a graph that stays or comes again', () => {
    const placed = (kind: string, victim: number, count: number): number[] =>
      eclipse(8, { kind }, { victim, count }).attackers;
    expect(placed('ring', 0, 2)).deep.equal([1, 7]);
    expect(placed('star', 3, 1)).deep.equal([0]);
    // In turn node 5 hears those 1, 2 and 4 places before it.
    expect(placed('one-peer-exponential', 5, 3)).deep.equal([1, 3, 4]);
    // Beyond its neighbours they are drawn.
    expect(placed('ring', 0, 4))
      .include.members([1, 7])
      .lengthOf(4)
      .not.include(0);
    expect(placed('ring', 0, 1)[0]).oneOf([1, 7]);
  });

  it('where nodes choose whom they send to has all attackers send to the victim, and to nobody else', () => {
    const victim = 4;
    const { drawn, bent, attackers } = eclipse(
      12,
      { kind: 'el-local', degree: 2 },
      { victim, count: 5 },
    );
    const honest = [...Array(12).keys()].filter((node) => !attackers.includes(node));
    for (let round = 0; round < 20; round++) {
      const heard = bent.at(round, 0).incoming;
      const before = drawn.at(round, 0).incoming;
      for (const node of Array(12).keys()) {
        const those = (heard[node] ?? []).map(({ from }) => from).filter((from) => from !== node);
        const fair = (before[node] ?? [])
          .map(({ from }) => from)
          .filter((from) => from !== node && honest.includes(from));
        const expected = node === victim ? [...fair, ...attackers].sort((a, b) => a - b) : fair;
        expect(those, `round ${round}, node ${node}`).deep.equal(expected);
        for (const { weight } of heard[node] ?? []) expect(weight).equal(1 / (those.length + 1));
      }
    }
  });

  it('cannot choose edges that are drawn anew from the agreed seed', () => {
    for (const kind of ['el-oracle', 'matching']) {
      const { drawn, bent, attackers } = eclipse(12, { kind, degree: 2 }, { victim: 4, count: 5 });
      for (let round = 0; round < 20; round++) {
        expect(bent.at(round, 0).incoming[4]).deep.equal(drawn.at(round, 0).incoming[4]);
        bent.at(round, 0).incoming.forEach((links, node) => {
          const isLied = links.some(({ from }) => from !== node && attackers.includes(from));
          expect(isLied && node !== 4, `${kind} ${round} ${node}`).equal(false);
          // What is withheld goes to the own model.
          expect(links.reduce((sum, { weight }) => sum + weight, 0)).closeTo(1, 1e-12);
        });
      }
    }
  });

  for (const mode of ['synchronous', 'asynchronous']) {
    it(`leaves the victim attackers alone to hear, ${mode}`, async () => {
      const attack = { kind: 'free-rider', count: 2, scale: 0, victim: 0 };
      const free = { nodes: 4, rounds: 1, mode, precision: 'f64', links: { delayMs: 1 } } as const;
      const common = { ...free, training: { algorithm: 'local-sgd' }, topology: { kind: 'ring' } };
      const rounds = mode === 'synchronous' ? 1 : 2;
      const { record, states } = await run({ ...common, rounds, attack }, { snapshots: [rounds] });
      const { victimShare, victimDistance, victimError } = record.final;
      // Of four on a ring node 0 hears 1 and 3, which attack. Node 2 is the other honest one, and hears them too.
      expect(record.nodes.map(({ isAttacker }) => isAttacker)).deep.equal([
        false,
        true,
        false,
        true,
      ]);
      expect(victimShare).equal(1);
      expect(victimError).equal(record.nodes[0]?.error);
      const models = decodeState(states.get(rounds) ?? new Uint8Array(), 'state').rows.get(
        'models',
      );
      const [own, other] = [models?.slice(0, 10), models?.slice(20, 30)];
      const squared = own?.reduce((sum, x, k) => sum + (x - (other?.[k] ?? NaN)) ** 2, 0);
      expect(victimDistance).closeTo(squared ?? NaN, 1e-12);
      if (mode === 'asynchronous') return;
      // Free riders without noise send where they began, 0: the victim has a third of what it learnt alone, node 2 all.
      const alone = await run(
        { ...common, links: { lossRate: 1 }, timeoutMs: 1 },
        { snapshots: [1] },
      );
      const learnt = decodeState(alone.states.get(1) ?? new Uint8Array(), 'state').rows.get(
        'models',
      );
      own?.forEach((x, k) => {
        expect(x).closeTo((learnt?.[k] ?? NaN) / 3, 1e-12);
        expect(other?.[k]).closeTo(learnt?.[20 + k] ?? NaN, 1e-12);
      });
    });
  }

  it('without attackers measures the victim, and changes nothing', async () => {
    const watched = await run({ nodes: 8, rounds: 5, attack: { victim: 3 } });
    const plain = await run({ nodes: 8, rounds: 5 });
    expect(watched.record.nodes).deep.equal(plain.record.nodes);
    expect(watched.record.final.victimError).equal(plain.record.nodes[3]?.error);
    expect(watched.record.final.victimShare).equal(0);
    const { victimError, victimDistance, victimShare } = plain.record.final;
    expect([victimError, victimDistance, victimShare]).deep.equal([null, null, null]);
  });

  it('needs a victim that there is', () => {
    const text = (victim: number): string =>
      `lab: { nodes: 8, attack: { kind: alie, count: 2, victim: ${victim} } }`;
    expect(() => loadSection(text(7), 'a.yaml', labForm)).not.throw();
    for (const victim of [8, -2, 1.5]) {
      expect(() => loadSection(text(victim), 'a.yaml', labForm)).throw(/lab\.attack\.victim: /);
    }
  });
});
