import { expect } from 'chai';
import type { NodeId } from '../../src/base/index.ts';
import { needlessRestart } from '../../src/daemon/needless-restart.ts';
import { emptyView, reduce, type NodeView } from '../../src/dashboard/index.ts';
import type { Restart } from '../../src/wire/index.ts';
import { link, started } from '../dashboard/scripted-node.ts';
import { changingWorld } from '../peer/changing-world.ts';
import { restartSigned } from '../peer/restarting-world.ts';

const ids = ['L1', 'L2', 'L3', 'L4'] as NodeId[];

describe('a restart that is handed to a node', () => {
  const { consortium } = changingWorld([], 1).world;
  const restart = {
    ...{ height: 3, size: 3 },
    ...{ block: 'a'.repeat(64), root: 'b'.repeat(64) },
  } as Restart;
  const restarting = restartSigned(consortium, restart, ids.slice(0, 2), ids.slice(0, 3));
  const ordinary = restartSigned(consortium, undefined, ids.slice(0, 2), ids.slice(0, 3));
  const viewWith = (up: readonly NodeId[]): NodeView => {
    const begun = reduce(emptyView, { ...started(ids), quorum: 3 } as ReturnType<typeof started>);
    return up.map((id) => link(id)).reduce(reduce, begun);
  };

  it('is refused while a quorum is connected, and goes to the node when it is not', () => {
    const refused = needlessRestart(restarting, viewWith(ids.slice(1, 3)));
    expect(refused).deep.include({ kind: 'refused' });
    expect(refused)
      .property('reason')
      .contain('3 of 4 members are connected, of whom 3 can decide');
    expect(refused).property('advice').contain('--despite-quorum');
    expect(needlessRestart(restarting, viewWith(ids.slice(1, 2)))).equal(null);
  });

  it("is what its bytes say: other versions, and bytes that are none, are the node's to judge", () => {
    expect(needlessRestart(ordinary, viewWith(ids.slice(1)))).equal(null);
    expect(needlessRestart(new Uint8Array(9), viewWith(ids.slice(1)))).equal(null);
  });
});
