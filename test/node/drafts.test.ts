import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadPresetFor } from '../../src/config/index.ts';
import { NodeError, draftGenesis, draftNext, draftRenewal } from '../../src/node/index.ts';
import { base64, type NodeId } from '../../src/base/index.ts';
import { generateEd25519 } from '../../src/crypto/index.ts';
import {
  encodeCanonical,
  verifyManifest,
  type Member,
  type SignedManifest,
} from '../../src/wire/index.ts';
import { hospital, manifestOf, signedBy, temporaryFolder, type Hospital } from './homes.ts';
import { projectRoot } from '../project-root.ts';

const smoke = readFileSync(join(projectRoot, 'config/smoke.yaml'), 'utf8');
const none = { add: [], remove: [], replace: [] };

describe('a draft', () => {
  const { at, clear } = temporaryFolder();
  after(clear);
  let all: Hospital[] = [];
  let lines: Member[] = [];
  let genesis: SignedManifest;
  const id = (text: string): NodeId => text as NodeId;

  before(async () => {
    all = await Promise.all(['L1', 'L2', 'L3', 'L4'].map((name) => hospital(at(name), name)));
    lines = all.map(({ line }) => line);
    const three = all.slice(0, 3);
    const manifest = manifestOf(three.map(({ line }) => line));
    genesis = verifyManifest(signedBy(manifest, ...three.map(({ org }) => org)));
  });

  it('of a genesis has its members in order, and the plan of the settings for them', () => {
    const settings = loadPresetFor(lines, smoke, 'smoke.yaml');
    const facts = { name: 'N', domain: 'n.example' };
    const manifest = draftGenesis(facts, [...lines].reverse(), settings);
    expect(manifest.members).to.deep.equal(lines);
    expect(manifest).to.include({ version: 0, ...facts });
    // Homes of this test label hps and ms.
    expect(manifest.plan.stages.map((stage) => stage.id)).to.deep.equal([
      ...['teacher-hps', 'teacher-ms', 'student'],
    ]);
    const started = { ...settings.training, student: { ...settings.training.student, start: 'm' } };
    expect(() => draftGenesis(facts, lines, { ...settings, training: started })).to.throw(
      NodeError,
      'training.student.start',
    );
  });

  it('of a next version follows the newest, and keeps name, domain, plan and limits', () => {
    const manifest = draftNext(genesis, { ...none, add: [lines[3]!], remove: [id('L1')] }, null);
    expect(manifest.version).to.equal(1);
    expect(manifest.prev).to.equal(genesis.digest);
    expect(manifest.members.map((member) => member.id)).to.deep.equal(['L2', 'L3', 'L4']);
    expect(manifest.plan.stages[0]!.participants).to.deep.equal(['L2', 'L3', 'L4']);
    expect(manifest.limits).to.deep.equal(genesis.manifest.limits);
    expect([manifest.name, manifest.domain]).to.deep.equal(['Test', 'test.example']);
  });

  it('with a preset has a new plan, and the limits of its models', () => {
    const settings = loadPresetFor(lines.slice(0, 3), smoke, 'smoke.yaml');
    const manifest = draftNext(genesis, none, settings);
    expect(manifest.plan.stages.length).to.equal(3);
    expect(manifest.limits).to.not.deep.equal(genesis.manifest.limits);
  });

  it('of a renewal changes that line alone', () => {
    const line = { ...lines[1]!, addresses: ['/dns4/new.example/tcp/1'] };
    const manifest = draftRenewal(genesis, line);
    const { members } = manifest;
    const { members: before } = genesis.manifest;
    const undone = { ...manifest, version: 0, members: before, prev: undefined };
    expect(encodeCanonical(JSON.parse(JSON.stringify(undone)) as object)).to.deep.equal(
      encodeCanonical(genesis.manifest),
    );
    expect(members).to.deep.equal([before[0], line, before[2]]);
  });

  it('is refused when nothing changes, nobody is left, or two members have a key in common', () => {
    expect(() => draftNext(genesis, none, null)).to.throw(NodeError, 'nothing would change');
    const everybody = lines.slice(0, 3).map((member) => member.id);
    expect(() => draftNext(genesis, { ...none, remove: everybody }, null)).to.throw(
      NodeError,
      'nobody would take part',
    );
    const thief = { ...lines[3]!, logKey: lines[0]!.logKey };
    expect(() => draftNext(genesis, { ...none, add: [thief] }, null)).to.throw(
      NodeError,
      'L1 and L4 have a key in common',
    );
    const twice = { ...lines[3]!, logKey: base64(generateEd25519().publicKey) };
    expect(() => draftNext(genesis, { ...none, add: [lines[3]!, twice] }, null)).to.throw(
      NodeError,
      'L4 is named twice',
    );
  });
});
