/**
 * Mocha 12 says nothing of a promise that is rejected and that nobody handles, which would end a node. Whatever is heard of that
 * kind fails the run at its end, with the test that ran then.
 */
import { inspect } from 'node:util';

let running = '(before the first test)';
/** A set, since mocha tells of each twice. */
const lost = new Set<string>();

process.on('unhandledRejection', (reason) => {
  lost.add(`while "${running}" ran: ${inspect(reason)}`);
});

/** Hooks around all tests. */
export const mochaHooks = {
  beforeEach(this: Mocha.Context): void {
    running = this.currentTest?.fullTitle() ?? running;
  },
  afterAll(): void {
    if (lost.size > 0) throw new Error(`rejections that nobody handled:\n${[...lost].join('\n')}`);
  },
};
