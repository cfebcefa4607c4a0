/** A consortium that has lost its quorum for good, and what its organisations do about it. */
import { expect } from 'chai';
import { renderVerdict, verifyLogDirectory } from '../../src/audit/index.ts';
import { decodeDecision, encodeDecision } from '../../src/audit/log-files.ts';
import { messageOf, type NodeId } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import { memberNames } from '../../src/simulate/index.ts';
import { lineOf, signSuccessor } from '../../src/simulate/members.ts';
import {
  nextOf,
  unvoted,
  verifySuccessor,
  type Json,
  type Manifest,
  type Restart,
  type SignedManifest,
} from '../../src/wire/index.ts';
import { directoryOf } from '../audit/sample-log.ts';
import { changingWorld, logFilesOf, memberOf, type ChangingWorld } from './changing-world.ts';
import { never, newest, pass, restartOf, restartSigned, submitted } from './restarting-world.ts';

// Seven: q = T = floor(14/3)+1 = 5, f = 2.
const founders = memberNames(7);
const [l1, l2, l3, l4, l5, l6, l7] = founders as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];
const l8 = 'L8' as NodeId;
const rounds = 8;

/** Whose machines burn: more than f. */
const burnt = [l4, l5, l6, l7];

/** Seven who train; four machines burn while a round is under way. */
async function burntWorld(): Promise<ChangingWorld> {
  const made = changingWorld([{ kind: 'join', node: l8, atMs: never }], rounds, [], founders);
  const { world } = made;
  world.start();
  await world.run(never, () => world.node(l1).peer!.state.roundsSealed >= 2);
  for (const id of burnt) world.kill(id);
  await pass(world, 120_000);
  return made;
}

describe('a consortium of seven of which four are gone for good', () => {
  let made: ChangingWorld;
  let restart: Restart;
  let genesis: SignedManifest;
  const remaining = [l1, l2, l3];

  before(async () => {
    made = await burntWorld();
    genesis = made.world.consortium;
    restart = await restartOf(made.world, newest(made.world, remaining));
  });

  it('decides nothing any more, and had decided something', async () => {
    const { world } = made;
    const before = remaining.map((id) => world.node(id).peer!.state.height);
    await pass(world, 600_000);
    expect(remaining.map((id) => world.node(id).peer!.state.height)).to.deep.equal(before);
    expect(restart.height).to.be.greaterThan(2);
    expect(restart.model).to.match(/^[0-9a-f]{64}$/);
  });

  it('is not restarted by an ordinary version, by too few organisations, or by one of another consortium', async () => {
    const { world } = made;
    const on = [...remaining, l8];
    const refusal = async (bytes: Uint8Array): Promise<string> => {
      const said = await submitted(world, l1, bytes);
      return said.kind === 'refused' ? said.reason : said.kind;
    };
    // Three who remain, and the newcomer: T of the seven before is five.
    const minority = restartSigned(genesis, restart, on, [l1, l2, l3, l8]);
    expect(await refusal(minority)).to.include('signed by 3 of the 5 needed (members before)');
    // A forger who burnt nothing: four of the seven sticks, and not the newcomer's.
    const forged = restartSigned(genesis, restart, on, [l4, l5, l6, l7]);
    expect(await refusal(forged)).to.include('signed by 4 of the 5 needed (members before)');
    const unasked = restartSigned(genesis, restart, on, [l1, l2, l3, l4, l5]);
    expect(await refusal(unasked)).to.include('(new org keys); not by L8');
    const foreign = restartSigned(genesis, restart, on, [l1, l2, l3, l4, l5, l8], {
      prev: 'f'.repeat(64) as NonNullable<Manifest['prev']>,
    });
    expect(await refusal(foreign)).to.include('$.prev');
    const stale = restartSigned(genesis, restart, on, [l1, l2, l3, l4, l5, l8], { version: 5 });
    expect(await refusal(stale)).to.include('$.version');
  });

  it('refuses by name a restart that would undo a decision, or that names another history', async () => {
    const { world } = made;
    const on = [...remaining, l8];
    const signers = [l1, l2, l3, l4, l5, l8];
    const at = newest(world, remaining);
    const refusal = async (changes: Partial<Restart>): Promise<string> => {
      const bytes = restartSigned(genesis, { ...restart, ...changes }, on, signers);
      const said = await submitted(world, at, bytes);
      return said.kind === 'refused' ? said.reason : said.kind;
    };
    const other = 'e'.repeat(64) as Restart['block'];
    expect(await refusal({ height: restart.height - 1 })).to.include('that would be undone');
    expect(await refusal({ block: other })).to.include('there are two histories');
    expect(await refusal({ root: other })).to.include('another tree');
    expect(await refusal({ model: other })).to.include('another model');
    const seed = { ...genesis.manifest.plan, seed: 99 };
    const planned = restartSigned(genesis, restart, on, signers, {
      plan: { ...seed, stages: seed.stages.map((one) => ({ ...one, participants: on })) },
    });
    const said = await submitted(world, at, planned);
    expect(said.kind === 'refused' && said.reason).to.include("the plan's seed was");
  });

  it('goes on with three and a newcomer from where it stood, each by its own people, to one model', async () => {
    const { world, events } = made;
    const bytes = restartSigned(genesis, restart, [...remaining, l8], [l1, l2, l3, l6, l7, l8]);
    const said = [];
    for (const id of remaining) said.push(await submitted(world, id, bytes));
    for (const one of said) expect(one.kind).to.be.oneOf(['decided', 'waiting']);
    const all = [...remaining, l8];
    const outcome = await world.run(never, () => all.every((id) => world.node(id).isDone));
    expect([outcome, world.invariants.violation]).to.deep.equal(['done', null]);
    const models = all.map((id) => [...world.node(id).peer!.state.models.values()].join());
    expect(new Set(models).size).to.equal(1);
    const told = events.get(l1)!.filter(({ kind }) => kind === 'membership');
    expect(told[0]).to.include({ version: 1, height: restart.height + 1 });
    // The block of the second SEAL opened the third round: the restart ended it.
    const ended = events.get(l1)!.filter(({ kind }) => kind === 'void');
    expect(ended).to.have.length(1);
    expect(ended[0]).to.include({ round: 3, reason: 'restart', height: restart.height + 1 });
    // And the plan's rounds were all sealed.
    const sealed = events.get(l1)!.filter(({ kind }) => kind === 'sealed');
    expect(sealed).to.have.length(rounds);
    expect(new Set(sealed.map((event) => ('round' in event ? event.round : 0))).size).to.equal(
      rounds,
    );
  });

  it('has logs that an auditor follows through the restart, and not without what the restart names', async () => {
    const { world } = made;
    for (const id of [...remaining, l8]) {
      const verdict = await verifyLogDirectory(directoryOf(logFilesOf(world, id)));
      expect(verdict.findings, `${id}\n${renderVerdict(verdict)}`).to.deep.equal([]);
      expect(verdict.notes.join()).to.include(
        `version 1 of the manifest is in force from height ${restart.height + 2} on`,
      );
      expect(verdict.notes.join()).to.include('RESTART');
    }
    const files = logFilesOf(world, l1);
    const signers = [l1, l2, l3, l4, l5, l8];
    const on = [...remaining, l8];
    const name = `decisions/${restart.height + 1}.json`;
    const findings = async (changes: readonly [string, Uint8Array][]): Promise<string> => {
      const changed = new Map([...files, ...changes]);
      const { findings: found } = await verifyLogDirectory(directoryOf(changed));
      return found.map(({ where, what }) => `${where}: ${what}`).join('\n');
    };
    const withManifest = (bytes: Uint8Array): Promise<string> => {
      const { body } = decodeDecision(files.get(name)!);
      const ops = [{ op: 'MEMBER', version: 1, manifest: digestOf(bytes) }] as const;
      const other = { ...body, ops };
      const certificate = unvoted(other) as unknown as Json;
      return findings([
        ['manifest-1.json', bytes],
        [name, encodeDecision({ body: other, certificate })],
      ]);
    };
    expect(await withManifest(restartSigned(genesis, undefined, on, signers))).to.include(
      'nobody voted for its block, and it is no restart',
    );
    const elsewhere = { ...restart, height: restart.height - 1 };
    expect(await withManifest(restartSigned(genesis, elsewhere, on, signers))).to.include(
      'it is no restart of this log',
    );
    const few = restartSigned(genesis, restart, on, [l1, l2, l3, l8]);
    expect(await withManifest(few)).to.include('signed by 3 of the 5 needed');
  });
});

describe('a member that is behind the block of a restart', () => {
  it('takes it, catches up by those who remain, and goes on with them', async () => {
    const { world } = changingWorld([], rounds, [], founders);
    world.start();
    const sealed = (): number => world.node(l1).peer!.state.roundsSealed;
    await world.run(never, () => sealed() >= 1);
    world.kill(l3);
    await world.run(never, () => sealed() >= 2);
    for (const id of [l5, l6, l7]) world.kill(id);
    await pass(world, 60_000);
    world.restart(l3);
    await pass(world, 1);
    const on = [l1, l2, l3, l4];
    const restart = await restartOf(world, newest(world, [l1, l2, l4]));
    const bytes = restartSigned(world.consortium, restart, on, [l1, l2, l3, l4, l5]);
    const said = [];
    for (const id of [l3, l1, l2, l4]) said.push(await submitted(world, id, bytes));
    expect(said[0]).to.include({ kind: 'waiting', height: restart.height });
    const outcome = await world.run(never, () => on.every((id) => world.node(id).isDone));
    expect([outcome, world.invariants.violation]).to.deep.equal(['done', null]);
    expect(on.map((id) => world.node(id).peer!.log.heightOf(1))).to.deep.equal(
      on.map(() => restart.height + 1),
    );
  });

  it('keeps it over a power cut, and does not follow those who went on before its people agree', async () => {
    const { world } = changingWorld([], rounds, [], founders);
    world.start();
    await world.run(never, () => world.node(l1).peer!.state.roundsSealed >= 1);
    for (const id of burnt.slice(1)) world.kill(id);
    await pass(world, 60_000);
    const on = [l1, l2, l3, l4];
    const restart = await restartOf(world, newest(world, on));
    const bytes = restartSigned(world.consortium, restart, on, [l1, l2, l3, l4, l5]);
    for (const id of [l1, l2, l3]) await submitted(world, id, bytes);
    await pass(world, 30_000);
    // Three of four go on. The fourth has heard of it, and nobody there has agreed.
    const { log } = world.node(l4).peer!;
    expect([log.consortium.manifest.version, log.head.height]).to.deep.equal([0, restart.height]);
    expect(world.node(l1).peer!.state.height).to.be.greaterThan(restart.height + 1);
    expect((await submitted(world, l4, bytes)).kind).to.equal('decided');
    world.kill(l4);
    world.restart(l4);
    const outcome = await world.run(never, () => on.every((id) => world.node(id).isDone));
    expect([outcome, world.invariants.violation]).to.deep.equal(['done', null]);
  });
});

describe('a version that is a restart', () => {
  it('is no renewal that one organisation signs alone', () => {
    const { world } = changingWorld([], 1);
    const { consortium } = world;
    const restart = {
      ...{ height: 1, size: 1 },
      ...{ block: 'a'.repeat(64), root: 'b'.repeat(64) },
    } as Restart;
    const renewed = consortium.manifest.members.map((line) =>
      line.id === l2 ? lineOf(memberOf(l2, { node: 1, org: 0 })) : line,
    );
    const next = { ...nextOf(consortium), members: renewed };
    const own = [memberOf(l2).keys.org];
    const outcome = (manifest: Manifest): string => {
      try {
        return verifySuccessor(consortium, signSuccessor(manifest, own)).digest.slice(0, 0) || 'ok';
      } catch (error) {
        return messageOf(error);
      }
    };
    expect(outcome(next)).to.equal('ok');
    expect(outcome({ ...next, restart })).to.include('signed by 1 of the 3 needed');
  });
});
