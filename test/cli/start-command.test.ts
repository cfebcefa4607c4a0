/** What `annulus start` says and refuses before anything runs: a preflight of what takes a moment, in the same words. */
import { createServer } from 'node:net';
import { expect } from 'chai';
import { freePorts } from '../../src/host/index.ts';
import { hospitals, nowMs, typed } from './membership/hospitals.ts';

describe('annulus start, before it starts', () => {
  const { home, init, clear } = hospitals();
  let port = 0;

  before(async () => {
    [port = 0] = await freePorts('127.0.0.1', 1);
    await init('L1', '--listen', `127.0.0.1:${port}`);
  });
  after(clear);

  it('refuses a clock that stands before what has happened, with what to do', async () => {
    const { code, err } = await typed(['start', ...home('L1')], { nowMs: nowMs - 86_400_000 });
    expect(code).equal(3);
    expect(err)
      .match(/^annulus: not started: clock: this machine: 24\.0 hours before this home was made/)
      .contain('do: set the clock from a time server');
  });

  it('refuses a port that another program has', async () => {
    const server = createServer().listen({ host: '127.0.0.1', port });
    await new Promise((listening) => server.once('listening', listening));
    const { code, err } = await typed(['start', ...home('L1')]);
    server.close();
    expect(code).equal(3);
    expect(err).contain(`not started: port: 127.0.0.1:${port}: another program listens`);
    expect(err).contain('do: choose another port in node.yaml');
  });

  it('only says what a node can start with, and then what else is in its way', async () => {
    const { code, out, err } = await typed(['start', ...home('L1')]);
    expect([code, err.includes('has joined no consortium yet')], err).deep.equal([2, true]);
    expect(out)
      .contain('warning: keys: L1: this home has joined no consortium yet; do: get the signed')
      .contain(
        'warning: data: data: no cases were imported and no folder of cases is set; do: annulus data import FOLDER',
      );
    const json = await typed(['start', ...home('L1'), '--format', 'json']);
    const lines = json.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string });
    expect(lines.map(({ level }) => level)).deep.equal(['warning', 'warning']);
  });
});
