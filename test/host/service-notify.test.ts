import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { serviceNotify } from '../../src/host/index.ts';

/** Prints each datagram on a line of its own, and ends after `count` of them. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
seen = 0
while seen < int(sys.argv[2]):
    text = s.recv(4096).decode()
    if text.startswith('BARRIER'):
        continue
    seen += 1
    print(text.replace(chr(10), '|'), flush=True)
`;
const python = '/usr/bin/python3';
const isThere = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

describe('what systemd is told', () => {
  it('is nothing without a supervisor', async () => {
    const notify = serviceNotify({});
    notify.ready('x');
    await notify.flushed();
    expect(notify.watchdogMs).equal(null);
  });

  it('knows how often it is to give a sign of life, if that is asked of this process', () => {
    const env = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '60000000' };
    expect(serviceNotify(env).watchdogMs).equal(60_000);
    expect(serviceNotify({ ...env, WATCHDOG_PID: String(process.pid) }).watchdogMs).equal(60_000);
    const stranger = String(Math.max(process.pid, process.ppid) + 1);
    expect(serviceNotify({ ...env, WATCHDOG_PID: stranger }).watchdogMs).equal(null);
    expect(serviceNotify({ NOTIFY_SOCKET: '/nowhere' }).watchdogMs).equal(null);
  });

  it('is lost when no program can be started, and the node lives on', async () => {
    const lost: unknown[] = [];
    const hear = (error: unknown): void => void lost.push(error);
    process.on('unhandledRejection', hear);
    try {
      const notify = serviceNotify({ NOTIFY_SOCKET: '/nowhere' });
      // Refused before any program begins, as by a machine without memory for it.
      notify.status('a\0b');
      notify.alive();
      await notify.flushed();
      await new Promise((go) => setImmediate(go));
    } finally {
      process.off('unhandledRejection', hear);
    }
    expect(lost).deep.equal([]);
  });

  it('arrives in the order in which it was said', async function () {
    if (!isThere('systemd-notify') || !isThere(python)) this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'annulus-notify-'));
    const socket = join(folder, 'notify.sock');
    const child = spawn(python, ['-c', receiver, socket, '4']);
    let text = '';
    const bound = new Promise<void>((resolve) => {
      child.stdout.on('data', (part: Buffer) => {
        text += part.toString();
        if (text.includes('bound')) resolve();
      });
    });
    const ended = new Promise<void>((resolve) => {
      child.on('exit', () => {
        resolve();
      });
    });
    try {
      await bound;
      const notify = serviceNotify({ NOTIFY_SOCKET: socket });
      notify.ready('round 3\nof student');
      notify.status('round 4');
      notify.alive();
      notify.stopping();
      await notify.flushed();
      await ended;
      const lines = text.trim().split('\n').slice(1);
      expect(
        lines.map((line) => line.split('|').filter((word) => !word.includes('PID'))),
      ).deep.equal([
        ['READY=1', 'STATUS=round 3 of student'],
        ['STATUS=round 4'],
        ['WATCHDOG=1'],
        ['STOPPING=1'],
      ]);
    } finally {
      child.kill();
      rmSync(folder, { recursive: true });
    }
  });
});
