import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fileLogger, logDefaults } from '../../src/host/index.ts';
import { logLine } from '../../src/host/log-line.ts';

describe('a line of the log', () => {
  const hostile = 'x\u001b[2J\r\n2026-01-01T00:00:00.000Z info  sealed\u2028\u202e';

  it('is one line and moves no cursor, whatever a peer sends', () => {
    const line = logLine('warn', 'L1', `refused: ${hostile}`, { from: hostile, [hostile]: 1 });
    expect(line.slice(0, -1)).not.match(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
    expect(line.endsWith('\n')).equal(true);
    // JSON's escapes say what came.
    expect(line).contain('refused: x\\u001b[2J\\r\\n2026-01-01');
  });

  it('is so in the file of a node too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'annulus-log-'));
    try {
      const logger = fileLogger(join(folder, 'peer.log'), 'info', logDefaults);
      logger.log('warn', hostile, { from: hostile });
      logger.close();
      const read = (): string => readFileSync(join(folder, 'peer.log'), 'utf8');
      for (let tries = 0; tries < 100; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (read() !== '') break;
      }
      expect(read().split('\n').length).equal(2);
      expect(read()).not.contain('\u001b');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
