/** The reducer over events of real peers in virtual time, one of which is killed and comes back. */
import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { emptyView, reduce, statusOf, type NodeView } from '../../src/dashboard/index.ts';
import { memberNames, simulateConsortium, virtualPlan } from '../../src/simulate/index.ts';
import { started } from './scripted-node.ts';

describe('the view of real peers', function () {
  this.timeout(60_000);
  const members = memberNames(4);
  const [first, , killed] = members as [NodeId, NodeId, NodeId];
  const rounds = 6;
  const views = new Map<NodeId, NodeView>(
    members.map((self) => [self, reduce(emptyView, started(members, self))]),
  );

  it('has each round as it was decided, at every node, also at one that was killed', async () => {
    const record = await simulateConsortium({
      ...{ seed: 7, members },
      plan: virtualPlan({ participants: members, rounds }),
      faults: [{ kind: 'kill', node: killed, atMs: 3_000, forMs: 20_000 }],
      onEvent: (id, event, atMs) => {
        const view = reduce(views.get(id)!, event);
        views.set(id, reduce(view, { kind: 'clock', nowMs: atMs }));
      },
    });
    expect(record.outcome).equal('done');
    const decided = record.rounds.map((round) => ({
      ...{ round: round.round, state: round.outcome, height: round.height },
      contributors: round.outcome === 'sealed' ? round.participants : [],
      excluded: round.outcome === 'sealed' ? round.excluded : [],
    }));
    expect(decided.length).least(rounds);
    for (const id of members) {
      const seen = views
        .get(id)!
        .rounds.map(({ round, state, height, contributors, excluded }) => ({
          ...{ round, state, height },
          contributors: state === 'sealed' ? contributors.map(({ node }) => node) : [],
          excluded: excluded.map(({ node }) => node),
        }));
      expect(seen, id).deep.equal(decided);
      expect(views.get(id)!.isDone, id).equal(true);
    }
    // A cut takes what a quorum says it holds: of four, three, of which one may have been the killed.
    const heldAt = (id: NodeId, round: number): readonly NodeId[] =>
      views.get(id)!.rounds.find((one) => one.round === round)?.held ?? [];
    for (const { round, contributors } of decided) {
      for (const node of contributors) {
        const holders = members.filter((id) => heldAt(id, round).includes(node));
        expect(holders.length, `holders of ${node} in round ${round}`).least(2);
      }
    }
    const { roundCounts, members: statuses } = statusOf(views.get(first)!, true);
    const of = (outcome: string): number =>
      record.rounds.filter((one) => one.outcome === outcome).length;
    expect(roundCounts).deep.equal({ sealed: of('sealed'), void: of('void') });
    const counted = record.rounds.filter(
      (one) => one.outcome === 'sealed' && one.participants.includes(killed),
    );
    expect(statuses.find(({ id }) => id === killed)?.contributedCount).equal(counted.length);
  });
});
