import { expect } from 'chai';
import {
  ConfigError,
  loadNodeFile,
  nodeFileDefaults,
  nodeFileText,
} from '../../src/config/index.ts';

function refusal(text: string, ...overrides: [string, string][]): string {
  try {
    loadNodeFile(
      text,
      'node.yaml',
      overrides.map(([key, value]) => ({ key, text: value, source: '--set' })),
    );
    return 'accepted';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

describe('node.yaml', () => {
  it('is laid over the defaults, and --set over it', () => {
    const text = 'listen: "[::]:4100"\ndata: { folder: /data/heart }\npeer:\n  tickMs: 500\n';
    const settings = loadNodeFile(text, 'node.yaml', [
      { key: 'compute.workers', text: '2', source: '--set' },
      { key: 'peer.silenceMs', text: '5000', source: '--set' },
    ]);
    expect(settings).deep.equal({
      ...nodeFileDefaults,
      listen: '[::]:4100',
      data: { ...nodeFileDefaults.data, folder: '/data/heart' },
      compute: { ...nodeFileDefaults.compute, workers: 2 },
      peer: { ...nodeFileDefaults.peer, tickMs: 500, silenceMs: 5000 },
    });
  });

  it('is the defaults where it says nothing', () => {
    expect(loadNodeFile('# nothing\n', 'node.yaml')).deep.equal(nodeFileDefaults);
    expect(loadNodeFile('', 'node.yaml')).deep.equal(nodeFileDefaults);
  });

  it('as a new one is taken as it was meant, also with a path that YAML could misread', () => {
    const folder = 'C:\\Daten: "Herz" #1';
    const text = nodeFileText({
      ...{ listen: '10.0.0.7:4100', dataFolder: folder },
      sections: { network: { redialMsMin: 100 }, peer: { tickMs: 200 } },
    });
    const settings = loadNodeFile(text, 'node.yaml');
    expect(settings.listen).equal('10.0.0.7:4100');
    expect(settings.data.folder).equal(folder);
    expect(settings.network).deep.equal({ ...nodeFileDefaults.network, redialMsMin: 100 });
    expect(settings.peer.tickMs).equal(200);
    expect(loadNodeFile(nodeFileText({}), 'node.yaml')).deep.equal(nodeFileDefaults);
  });

  it('is refused with file, line and key', () => {
    const refused: readonly [string, RegExp][] = [
      ['listen: 4001\n', /^node\.yaml:1: listen: expected a text, got 4001$/],
      ['\nlisten: "10.0.0.1"\n', /^node\.yaml:2: listen: .*host:port/],
      ['listen: "10.0.0.1:70000"\n', /host:port/],
      ['listen: "::1:4001"\n', /brackets/],
      ['data:\n  folder: /d\n  lookEveryS: 0\n', /^node\.yaml:3: data\.lookEveryS: .*1 to 86400/],
      ['data: { reading: { axes: XYZ } }\n', /data.*axes/],
      ['peer: { tickMs: 1 }\n', /peer\.tickMs: .*100 to 60000/],
      ['log: { filesMax: 0 }\n', /filesMax/],
      ['network: { gossipDegree: 0 }\n', /gossipDegree/],
      ['consensus: { viewTimeoutMs: 0 }\n', /viewTimeoutMs/],
      ['training: {}\n', /^node\.yaml:1: unknown key training/],
      ['data: { foldr: x }\n', /unknown key data\.foldr: did you mean data\.folder\?/],
      ['- listen\n', /expected a map/],
    ];
    for (const [text, message] of refused) expect(refusal(text), text).match(message);
    expect(refusal('', ['peer.tickMs', '1'])).match(/^--set: peer\.tickMs/);
    expect(refusal('', ['peer.tikMs', '200'])).match(/^--set: unknown key peer\.tikMs/);
  });
});
