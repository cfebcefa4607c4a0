import { expect } from 'chai';
import { witnessDefaults } from '../../src/auditor/index.ts';
import { ConfigError, nodeFileDefaults, nodeFileText } from '../../src/config/index.ts';
import { readDaemonSettings } from '../../src/daemon/index.ts';
import { dashboardDefaults } from '../../src/dashboard/index.ts';

function refusal(text: string): string {
  try {
    readDaemonSettings(text, 'node.yaml');
    return 'accepted';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

describe('the settings of a node', () => {
  it('have a section for the page, laid over its defaults like all others', () => {
    const text =
      'dashboard:\n  port: 9000\n  names: [node.hospital.example]\nlisten: "10.0.0.1:4001"\n';
    expect(readDaemonSettings(text, 'node.yaml')).deep.equal({
      node: { ...nodeFileDefaults, listen: '10.0.0.1:4001' },
      dashboard: { ...dashboardDefaults, port: 9000, names: ['node.hospital.example'] },
      witnesses: witnessDefaults,
    });
    expect(readDaemonSettings(nodeFileText({}), 'node.yaml')).deep.equal({
      ...{ node: nodeFileDefaults, dashboard: dashboardDefaults, witnesses: witnessDefaults },
    });
  });

  it('name witnesses outside the consortium by address and key', () => {
    const ask = 'https://w.example x+00000000+AAAA';
    expect(refusal(`witnesses: { ask: ["${ask}"] }\n`)).match(/witnesses\.ask: expected/);
    expect(refusal('witnesses: { everyS: 0 }\n')).match(/witnesses\.everyS: /);
  });

  it('are changed by --set', () => {
    const off = [{ key: 'dashboard.isOn', text: 'false', source: '--set' }];
    expect(readDaemonSettings('', 'node.yaml', off).dashboard.isOn).equal(false);
  });

  it('are refused with file, line and key', () => {
    expect(refusal('dashboard:\n  port: 70000\n')).match(/^node\.yaml:2: dashboard\.port: /);
    expect(refusal('dashboard: { names: [1] }\n')).match(/names\[0\]: expected a text, got 1/);
    expect(refusal('dashboard: { isOn: 1 }\n')).match(/isOn: expected true or false/);
    expect(refusal('dashbord: {}\n')).match(/unknown key dashbord: did you mean dashboard\?/);
  });
});
