/** Asks for a niceness and says what came of it. */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { makeThreadNice } from '../../src/host/thread-priority.ts';

const isDone = makeThreadNice(workerData as number);
parentPort?.postMessage({ isDone, stat: readFileSync('/proc/thread-self/stat', 'utf8') });
