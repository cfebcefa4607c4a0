/** Logs along which the members change: what an auditor says when a version of the manifest is not what it must be. */
import { expect } from 'chai';
import { verifyLogDirectory } from '../../src/audit/index.ts';
import { Report } from '../../src/audit/verdict.ts';
import { RoundReader } from '../../src/audit/verify-rounds.ts';
import { VersionReader } from '../../src/audit/verify-versions.ts';
import { base64, type Digest, type NodeId } from '../../src/base/index.ts';
import { digestOf } from '../../src/crypto/index.ts';
import {
  encodeCanonical,
  verifyManifest,
  type BlockBody,
  type Manifest,
} from '../../src/wire/index.ts';
import { signSuccessor } from '../../src/simulate/members.ts';
import { changingWorld, logFilesOf, memberOf } from '../peer/changing-world.ts';
import { directoryOf, type LogFiles } from './sample-log.ts';

const [l1, l2, l5] = ['L1', 'L2', 'L5'] as NodeId[] as [NodeId, NodeId, NodeId];

describe('a log whose members change', () => {
  let files: LogFiles;

  before(async () => {
    const { world } = changingWorld(
      [
        { kind: 'join', node: l5, atMs: 0 },
        { kind: 'renew', node: l2, atMs: 0 },
      ],
      3,
    );
    world.start();
    expect(await world.run(600_000)).to.equal('done');
    files = logFilesOf(world, l1);
  });

  const findingsWith = async (change: (files: LogFiles) => void): Promise<string[]> => {
    const changed = new Map(files);
    change(changed);
    const { findings } = await verifyLogDirectory(directoryOf(changed));
    return findings.map(({ where, what }) => `${where}: ${what}`);
  };

  /** Height of the block that puts a version in force: the last one of the epoch before. */
  const heightOf = (version: number): number => {
    const bodies = [...files].flatMap(([name, bytes]) =>
      name.startsWith('decisions/')
        ? [(JSON.parse(Buffer.from(bytes).toString()) as { body: BlockBody }).body]
        : [],
    );
    return Math.max(...bodies.filter(({ e }) => e < version).map(({ h }) => h));
  };

  it('is followed, and tells from where on each version is in force', async () => {
    const verdict = await verifyLogDirectory(directoryOf(files));
    expect(verdict.findings).to.deep.equal([]);
    expect(verdict.notes).to.deep.equal([
      `version 1 of the manifest is in force from height ${heightOf(1) + 1} on: joined L5; another plan`,
      `version 2 of the manifest is in force from height ${heightOf(2) + 1} on: other node keys, addresses or labels of L2`,
    ]);
    expect(verdict.consortium?.members.join(' ')).to.equal('L1 L2 L3 L4 L5');
    // q of five members: floor(10/3)+1.
    expect(verdict.quorum).to.equal(4);
  });

  it('is refused in one sentence without the file of a version, or with another in its place', async () => {
    const from = heightOf(1) + 1;
    const behind = `nobody can say whose votes count from height ${from} on`;
    const missing = await findingsWith((some) => some.delete('manifest-1.json'));
    expect(missing).to.have.length(1);
    expect(missing[0])
      .to.match(/^manifest-1\.json: the file is missing; /)
      .and.include(behind);
    const other = await findingsWith((some) =>
      some.set('manifest-1.json', some.get('manifest-2.json')!),
    );
    expect(other).to.have.length(1);
    expect(other[0])
      .to.include('it is not the manifest that its MEMBER block names')
      .and.include(behind);
  });

  it('is refused when the block that changes the members is gone, and says what could not be checked', async () => {
    const found = await findingsWith((some) => some.delete(`decisions/${heightOf(1)}.json`));
    expect(found).to.have.length(1);
    expect(found[0])
      .to.include('the file is missing')
      .and.include('its block changed the members')
      .and.include('could not be followed');
  });

  it('is refused with another policy, and with a file of a version that no block names', async () => {
    expect(await findingsWith((some) => some.set('policy-2', some.get('policy-1')!))).to.deep.equal(
      ['policy-2: not what the manifest makes it'],
    );
    expect(await findingsWith((some) => some.delete('policy-1'))).to.deep.equal([
      'policy-1: the file is missing',
    ]);
    expect(
      await findingsWith((some) => some.set('manifest-3.json', some.get('manifest-2.json')!)),
    ).to.deep.equal(['manifest-3.json: a file that does not belong to this log']);
  });

  it('counts no vote of a member under the key that it had before', async () => {
    const name = `decisions/${heightOf(2) + 1}.json`;
    const { body, certificate } = JSON.parse(Buffer.from(files.get(name)!).toString()) as {
      body: BlockBody;
      certificate: { v: number; x: Digest; sigs: [number, string][] };
    };
    const { v, x, sigs } = certificate;
    const { cid, e, h } = body;
    const voteOf = (node: number): string => {
      const { consensus } = memberOf(l2, { node, org: 0 }).keys;
      const message = encodeCanonical({ t: 'FINALIZE', cid, e, h, v, x });
      return base64(consensus.sign('annulus/consensus/v1', message));
    };
    const others = sigs.filter(([index]) => index !== 1);
    const withVote = (sig: string): Promise<string[]> =>
      findingsWith((some) => {
        const all = [...others, [1, sig] as const].sort(([one], [other]) => one - other);
        const decision = { body, certificate: { ...certificate, sigs: all } };
        some.set(name, encodeCanonical(decision));
      });
    expect(await withVote(voteOf(1))).to.deep.equal([]);
    expect((await withVote(voteOf(0)))[0]).to.match(/the vote of L2 in the certificate is wrong/);
  });
});

describe('a version that a quorum has put in force', () => {
  const { world } = changingWorld([], 1);
  const genesis = verifyManifest(world.consortium.bytes);
  const body = (version: number, bytes: Uint8Array): BlockBody =>
    ({
      ...{ v: 1, e: 0, h: 1, ops: [{ op: 'MEMBER', version, manifest: digestOf(bytes) }] },
      log: { size: 1, root: '' },
    }) as unknown as BlockBody;
  const next = (changes: Partial<Manifest>): Manifest => {
    return { ...genesis.manifest, version: 1, prev: genesis.digest, ...changes };
  };
  const orgs = ['L1', 'L2', 'L3', 'L4'].map((id) => memberOf(id as NodeId).keys.org);
  const taken = async (version: number, bytes: Uint8Array): Promise<string> => {
    const report = new Report();
    const reader = new VersionReader(genesis, () => Promise.resolve(bytes), report);
    await reader.take(body(version, bytes));
    return report.findings.map(({ where, what }) => `${where}: ${what}`).join('; ');
  };
  const limits = { updateBytesMax: 5 };

  it('must follow the one before it, with the signatures that it needs', async () => {
    // T of four: floor(8/3)+1 = 3.
    const short = await taken(1, signSuccessor(next({ limits }), orgs.slice(0, 2)));
    expect(short)
      .to.include('manifest-1.json: it does not follow version 0')
      .and.include('2 of the 3');
    const stray = await taken(1, signSuccessor(next({ limits, prev: digestOf() }), orgs));
    expect(stray).to.include('it does not follow version 0');
    expect(await taken(2, signSuccessor(next({ limits }), orgs))).to.include(
      'version 2 cannot follow version 0',
    );
    const whole = await taken(1, signSuccessor(next({ limits }), orgs.slice(1)));
    expect(whole).to.equal('policy-1: not what the manifest makes it');
  });

  it('must leave the stage that has begun as it was', () => {
    const report = new Report();
    const rounds = new RoundReader(genesis, report);
    const [stage] = genesis.manifest.plan.stages;
    const plan = { ...genesis.manifest.plan, stages: [{ ...stage!, rounds: 7 }] };
    rounds.enter({ ...genesis, manifest: next({ plan }) }, body(1, new Uint8Array()));
    expect(report.findings.map(({ what }) => what)).to.deep.equal([
      'the stage student has begun: only its participants and minParticipants may change',
    ]);
  });
});
