/**
 * A port of this machine that drops what comes to it, as a firewall does: a process that listens with a queue of one and never
 * accepts. Once its queue is full the kernel answers no SYN any more (Linux, tcp(7): tcp_abort_on_overflow is off by default).
 */
import { spawn } from 'node:child_process';
import { createConnection, type Socket } from 'node:net';

const source = `
import { createServer } from 'node:net';
const server = createServer();
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  process.stdout.write(String(server.address().port));
  // Written before it sleeps, for good.
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50);
});`;

const fillCount = 8;

/** The port, and what ends its process. */
export async function silentPort(): Promise<{ readonly port: number; readonly close: () => void }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const port = await new Promise<number>((resolve) => {
    child.stdout.once('data', (text: Buffer) => {
      resolve(Number(text.toString()));
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const sockets: Socket[] = Array.from({ length: fillCount }, () =>
    createConnection({ host: '127.0.0.1', port }).on('error', () => undefined),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}
