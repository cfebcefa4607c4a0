/** The page in a real browser, fed by scripted events: headless Chromium, where Debian's is installed. */
import { expect } from 'chai';
import type { Clock, NodeId } from '../../src/base/index.ts';
import {
  dashboardDefaults,
  serveDashboard,
  StatusFeed,
  type Dashboard,
} from '../../src/dashboard/index.ts';
import { systemClock } from '../../src/host/index.ts';
import { pageStyle } from '../../src/dashboard/page-style.ts';
import { reportStyle } from '../../src/report/index.ts';
import { Browser, findChromium } from './browser.ts';
import { ids, life, link, sealed } from './scripted-node.ts';

const textOf = (selector: string): string =>
  `(document.querySelector(${JSON.stringify(selector)})?.innerText ?? '')`;

const chromium = findChromium();
const describeInBrowser = chromium === null ? leaveOut : describe;

function leaveOut(): void {
  process.stdout.write(
    'no chromium here (Debian: apt install chromium): the live page is not tested\n',
  );
}

describeInBrowser('the live page in Chromium', function () {
  this.timeout(90_000);
  const feed = new StatusFeed();
  const clock: Clock = { ...systemClock(), nowMs: () => feed.view.nowMs };
  let dashboard: Dashboard;
  let browser: Browser;
  let port = 0;

  const serve = async (): Promise<void> => {
    const settings = { ...dashboardDefaults, port };
    dashboard = await serveDashboard({ feed, settings, clock, logger: { log: () => undefined } });
    ({ port } = dashboard);
  };

  before(async () => {
    await serve();
    browser = await Browser.open(chromium ?? '');
    await browser.look(1200, 'light');
    await browser.send('Page.navigate', { url: dashboard.url });
  });

  after(async () => {
    await (browser as Browser | undefined)?.close();
    await (dashboard as Dashboard | undefined)?.close();
  });

  it('waits for a node that has not started', async () => {
    await browser.until(`${textOf('#connection')} === 'live'`);
    expect(await browser.evaluate(textOf('#facts'))).contain('not healthy');
    await browser.press('Tab', 9);
    expect(await browser.evaluate('document.activeElement.className')).equal('skip');
  });

  it('shows a life as it goes, without loading again', async () => {
    for (const event of life()) feed.apply(event);
    await browser.until(`document.querySelectorAll('#member-rows tr').length === 8`);
    expect(await browser.evaluate<string>('document.title')).equal('L1 · Annulus');
    const members = await browser.evaluate<string>(textOf('#member-rows'));
    expect(members).contain('unreachable: nothing answers at its address');
    expect(members).contain('trains for round 31: 34 of 60');
    expect(await browser.evaluate(textOf('#message-list'))).contain(
      'What to do: ask the member whether its node runs',
    );
    expect(await browser.evaluate(textOf('#round-rows tr'))).match(/^31\s+student\s+open\s+2 of 8/);
    expect(await browser.evaluate(textOf('#log-head'))).contain('7, 6 needed: cosigned');
    const drawn = await browser.evaluate<string[]>(
      `[...document.querySelectorAll('#charts figcaption')].map((e) => e.innerText)`,
    );
    expect(drawn).deep.equal([
      'Training loss mean of the round',
      'Error of points mm, own held-out cases',
      'Dice own held-out cases, 1 is best',
    ]);
    expect(await browser.evaluate(`document.querySelectorAll('#charts canvas').length`)).equal(3);
    await browser.until(`document.querySelector('#last-prediction img')?.naturalWidth === 160`);
  });

  it('takes in an event as it comes', async () => {
    const losses = Object.fromEntries(ids.filter((id) => id !== 'L5').map((id) => [id, 0.31]));
    feed.apply(sealed(31, 'student', losses, ['L5' as NodeId]));
    await browser.until(`${textOf('#round-rows tr')}.includes('sealed')`);
    expect(await browser.evaluate(textOf('#round-rows tr'))).contain(
      'L5: no update came; unreachable',
    );
    expect(await browser.evaluate(textOf('#charts .legend'))).contain('student 0.310');
  });

  it('draws the link to each member, with its state in words', async () => {
    const links = await browser.evaluate<string[]>(
      `[...document.querySelectorAll('#ring .link')].map((e) => e.getAttribute('class'))`,
    );
    expect(links).deep.equal(
      [
        'connected',
        'connected',
        'connected',
        'unreachable',
        'connected',
        'dialing',
        'connected',
      ].map((s) => `link ${s}`),
    );
    const label = await browser.evaluate<string>(
      `document.querySelector('#ring svg').getAttribute('aria-label')`,
    );
    expect(label).contain('L5: unreachable, excluded');
    feed.apply(link('L5' as NodeId, { sinceMs: feed.view.nowMs }));
    await browser.until(`document.querySelectorAll('#ring .link.connected').length === 6`);
  });

  it('writes what comes from outside as text and never as markup', async () => {
    const text = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    feed.apply({
      kind: 'notice',
      code: 'odd',
      level: 'error',
      text,
      remedy: text,
      atMs: feed.view.nowMs,
    });
    await browser.until(`${textOf('#message-list')}.includes('onerror')`);
    expect(
      await browser.evaluate(
        `document.querySelectorAll('#message-list img, #message-list script').length`,
      ),
    ).equal(0);
    expect(await browser.evaluate<string>('document.title')).equal('✗ L1 · Annulus');
    feed.apply({ kind: 'notice-over', code: 'odd' });
    await browser.until(`!${textOf('#message-list')}.includes('onerror')`);
  });

  it('leaves alone what has not changed: a selection and the focus stay', async () => {
    await browser.evaluate(
      `{ const row = document.querySelector('#message-list li'); row.dataset.kept = '1'; document.querySelector('#charts summary').focus(); }`,
    );
    feed.apply({ kind: 'clock', nowMs: feed.view.nowMs + 1_000 });
    feed.apply({ kind: 'disk', freeBytes: 111 * 2 ** 30, usedBytes: 1 });
    await browser.until(`${textOf('#facts')}.includes('111 GiB')`);
    expect(await browser.evaluate(`document.querySelector('#message-list li').dataset.kept`)).equal(
      '1',
    );
    expect(await browser.evaluate(`document.activeElement.tagName`)).equal('SUMMARY');
  });

  it('is walked by the keyboard in the order in which it is read, everything in it', async () => {
    await browser.evaluate(`document.querySelector('.skip').focus()`);
    const wanted = await browser.evaluate<string[]>(`
      window.nameOf = (e) => e.tagName + ' ' + (e.getAttribute('aria-label') ?? e.innerText).trim().slice(0, 60);
      [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter((e) => e.checkVisibility()).map(nameOf)`);
    expect(wanted.length).equal(10);
    const walked: string[] = [];
    for (let step = 0; step < wanted.length; step++) {
      if (step > 0) await browser.press('Tab', 9);
      walked.push(await browser.evaluate('nameOf(document.activeElement)'));
      const outline = await browser.evaluate<string>(
        'getComputedStyle(document.activeElement).outlineStyle',
      );
      expect(outline, `${walked.at(-1)}: a ring round the focus`).not.equal('none');
    }
    expect(walked).deep.equal(wanted);
    expect(walked[0]).equal('A Skip to the messages');
  });

  it('opens the table of a chart by the keyboard', async () => {
    await browser.evaluate(`document.querySelector('#charts summary').focus()`);
    await browser.send('Input.dispatchKeyEvent', {
      type: 'keyDown',
      key: 'Enter',
      code: 'Enter',
      windowsVirtualKeyCode: 13,
      text: '\r',
    });
    await browser.until(`document.querySelector('#charts details').open`);
    expect(await browser.evaluate(textOf('#charts details tbody tr'))).match(
      /^31\s+–\s+–\s+0\.310$/,
    );
  });

  it('has landmarks, names and table heads for a screen reader', async () => {
    const { nodes } = (await browser.send('Accessibility.getFullAXTree')) as {
      nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[];
    };
    const said = nodes
      .filter(({ ignored }) => !ignored)
      .map(({ role, name }) => `${role?.value}: ${name?.value ?? ''}`);
    for (const landmark of [
      'banner: ',
      'main: ',
      'contentinfo: ',
      'navigation: The same for programs',
    ])
      expect(said).include(landmark);
    for (const name of ['Members', 'Rounds', 'What happened'])
      expect(said).include(`region: ${name}`);
    expect(said).include('status: ');
    expect(said.filter((one) => one.startsWith('columnheader: ')).length).greaterThan(16);
    expect(said.filter((one) => one.startsWith('rowheader: ')).length).greaterThan(20);
    expect(
      said.filter(
        (one) => /^(image|img|figure|region|link): $/.test(one) && !one.startsWith('figure'),
      ),
    ).deep.equal([]);
    expect(
      await browser.evaluate(`document.querySelector('#message-list').getAttribute('aria-live')`),
    ).equal('polite');
  });

  it('fits 400 and 1200 pixels, light and dark', async () => {
    for (const width of [1200, 400]) {
      for (const scheme of ['light', 'dark'] as const) {
        await browser.look(width, scheme);
        await browser.until(
          `document.querySelector('#charts canvas').getBoundingClientRect().width <= innerWidth`,
        );
        const wide = await browser.evaluate<number>('document.documentElement.scrollWidth');
        expect(wide, `${width} ${scheme}`).most(width);
        const ground = await browser.evaluate<string>(
          'getComputedStyle(document.body).backgroundColor',
        );
        expect(ground, scheme).equal(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 27, 33)');
      }
    }
  });

  it('complained of nothing so far', () => {
    expect(browser.complaints).deep.equal([]);
  });

  it('says that its data is old when the node is gone, and comes back by itself', async () => {
    await dashboard.close();
    await browser.until(`${textOf('#connection')}.startsWith('connection lost')`);
    expect(await browser.evaluate(`document.body.classList.contains('stale')`)).equal(true);
    await serve();
    feed.apply({ kind: 'disk', freeBytes: 77 * 2 ** 30, usedBytes: 1 });
    await browser.until(`${textOf('#facts')}.includes('77.0 GiB')`, 30_000);
    expect(await browser.evaluate(textOf('#connection'))).equal('live');
    expect(await browser.evaluate(`document.body.classList.contains('stale')`)).equal(false);
  });

  it('says so when the server answers and the node stands still', async () => {
    // The node's clock fact comes once a second; none for ten is a standstill. The page's clock is put forward.
    await browser.evaluate(`{ const real = Date.now; Date.now = () => real() + 11_000 }`);
    await browser.until(`${textOf('#connection')}.startsWith('the node has said nothing')`, 20_000);
    feed.apply({ kind: 'clock', nowMs: feed.view.nowMs + 1_000 });
    await browser.until(`${textOf('#connection')} === 'live'`);
  });
});

describe('the colours of the page', () => {
  const [light, dark] = [0, 1].map((index) => {
    const colours = new Map<string, string>();
    for (const style of [reportStyle, pageStyle]) {
      const block = style.match(/:root \{[^}]*\}/g)?.slice(0, index + 1) ?? [];
      for (const [, name, value] of block.join(' ').matchAll(/(--[a-z0-9-]+): (#[0-9a-f]{6})\b/g))
        colours.set(name!, value!);
    }
    return colours;
  });

  /** Relative luminance and contrast as WCAG 2.2 defines them. */
  const luminance = (colour: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const share = parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (a: string, b: string): number => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high! + 0.05) / (low! + 0.05);
  };

  it('are measured as WCAG does', () => {
    expect(contrast('#000000', '#ffffff')).closeTo(21, 1e-9);
    // The lightest gray that passes on white: 4.54.
    expect(contrast('#767676', '#ffffff')).closeTo(4.54, 0.005);
  });

  it('stand out: 4.5 to 1 for words, 3 to 1 for lines, light and dark', () => {
    const words = [
      ...['ink', 'quiet', 'student', 'good', 'bad', 'warn'].map((name) => [name, 'paper']),
      ...[
        ['ink', 'warn-fill'],
        ['warn', 'warn-fill'],
        ['ink', 'bad-fill'],
        ['bad', 'bad-fill'],
        ['ink', 'good-fill'],
        ['good', 'good-fill'],
        ['quiet', 'warn-fill'],
      ],
    ] as [string, string][];
    for (const [scheme, colours] of [
      ['light', light],
      ['dark', dark],
    ] as const) {
      const ratio = (a: string, b: string): number =>
        contrast(colours!.get(`--${a}`)!, colours!.get(`--${b}`)!);
      for (const [a, b] of words) expect(ratio(a, b), `${scheme}: ${a} on ${b}`).least(4.5);
      for (let line = 1; line <= 5; line++)
        expect(ratio(`line-${line}`, 'paper'), `${scheme}: line ${line}`).least(3);
    }
  });
});
