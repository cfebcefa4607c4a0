/** A headless Chromium, spoken to by the DevTools protocol: Node has the WebSocket, so no package is needed. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's Chromium, or null. */
export function findChromium(): string | null {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return (
    names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0) ?? null
  );
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** One tab of a browser of its own. */
export class Browser {
  /** What the page wrote to its console as an error or a warning, and what it threw. */
  readonly complaints: string[] = [];
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #session: string | null = null;
  #count = 0;

  private constructor(process: ChildProcess, folder: string, socket: WebSocket) {
    this.#process = process;
    this.#folder = folder;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.#hear(JSON.parse(String(data)) as Reply);
    });
  }

  static async open(chromium: string): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'annulus-browser-'));
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const child = spawn(
      chromium,
      [
        ...flags,
        '--no-first-run',
        '--remote-debugging-port=0',
        `--user-data-dir=${folder}`,
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const address = await new Promise<string>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        const [, found] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      });
      child.once('exit', () => {
        reject(new Error(`chromium ended: ${said.slice(-400)}`));
      });
    });
    const socket = new WebSocket(address);
    await new Promise((resolve) => {
      socket.addEventListener('open', resolve, { once: true });
    });
    const browser = new Browser(child, folder, socket);
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    const attached = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = attached.sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'Accessibility'])
      await browser.send(`${domain}.enable`);
    return browser;
  }

  async send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#count;
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    const session = this.#session === null ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    const { result, error } = await reply;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      ...{ expression, returnByValue: true, awaitPromise: true },
    });
    if (exceptionDetails !== undefined)
      throw new Error(JSON.stringify(exceptionDetails).slice(0, 400));
    return (result as { value: T }).value;
  }

  /** Resolves when the expression is true in the page. */
  async until(expression: string, timeoutMs = 15_000): Promise<void> {
    const ends = Date.now() + timeoutMs;
    while (!(await this.evaluate<boolean>(`Boolean(${expression})`))) {
      if (Date.now() > ends) throw new Error(`the page never came to: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async look(width: number, scheme: 'light' | 'dark'): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await this.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: scheme }],
    });
  }

  /** A PNG of the whole page. */
  async picture(): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: true,
    });
    return Buffer.from(data as string, 'base64');
  }

  async press(key: string, code: number): Promise<void> {
    for (const type of ['keyDown', 'keyUp']) {
      await this.send('Input.dispatchKeyEvent', {
        type,
        key,
        code: key,
        windowsVirtualKeyCode: code,
      });
    }
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#socket.close();
    this.#process.kill('SIGKILL');
    await ended;
    // Its children write for a while after it has ended.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #hear(reply: Reply): void {
    const { id, method, params } = reply;
    if (id !== undefined) {
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
    }
    const isConsole =
      method === 'Runtime.consoleAPICalled' &&
      ['error', 'warning', 'assert'].includes(String(params?.type));
    if (isConsole || method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') {
      this.complaints.push(JSON.stringify(params).slice(0, 600));
    }
  }
}
