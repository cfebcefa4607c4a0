/**
 * The page before its script has filled it: landmarks, headings and table heads stand still, so that a keyboard or a screen
 * reader finds them where they were. It needs no other server and has no script in it.
 */

/** A ring with nothing at its centre. */
export function pageIcon(): string {
  const dots = ringDots('fill="#0b5f7d" r="5.4"');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 54 54"><circle cx="27" cy="27" r="20" fill="none" stroke="#0b5f7d" stroke-width="3"/>${dots}</svg>`;
}

interface Section {
  readonly id: string;
  /** Whether it needs the whole width, with its heading above it. */
  readonly isWide?: boolean;
  readonly heading: string;
  readonly note: string;
  readonly body: string;
}

const sections: readonly Section[] = [
  {
    id: 'messages',
    heading: 'Messages',
    note: 'What is wrong now, and what to do about it.',
    body: '<ul class="messages" id="message-list" aria-live="polite" aria-relevant="additions text"></ul>',
  },
  {
    id: 'consortium',
    isWide: true,
    heading: 'Consortium',
    note: 'This node at the top, its links to the others, and how far each member has come.',
    body: `<div class="pair"><div id="ring"></div>${tableOf(
      'member-rows',
      'Members',
      ['member', 'status', 'link', 'heard', 'sent', 'received', 'round', 'height'],
      3,
    )}</div>`,
  },
  {
    id: 'learning',
    heading: 'Learning',
    note: 'Mean training loss of each sealed round, and errors on the cases that this hospital holds out.',
    body: '<div class="row" id="charts"></div>',
  },
  {
    id: 'rounds',
    heading: 'Rounds',
    note: 'The round under way and the last that ended, newest first.',
    body: tableOf(
      'round-rows',
      'Rounds',
      ['round', 'stage', 'state', 'took part', 'loss', 'updates', 'time', 'height', 'left out'],
      3,
    ),
  },
  {
    id: 'log',
    heading: 'Log',
    note: 'Everything that was agreed, under one root that the members cosign.',
    body: '<dl class="pairs" id="log-head"></dl>',
  },
  {
    id: 'prediction',
    heading: 'Own cases',
    note: 'The last prediction of the model in a case of this hospital. Stays on this machine.',
    body: '<figure class="prediction" id="last-prediction"></figure>',
  },
  {
    id: 'journal',
    heading: 'What happened',
    note: 'The last lines, newest first.',
    body: '<div class="scroll lines" tabindex="0" role="region" aria-label="What happened"><ol id="journal-lines"></ol></div>',
  },
];

/** The whole document. @param script path of the page's script on this server */
export function pageDocument(script: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Annulus</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/style.css">
<script src="/page/uplot.js" defer></script>
<script src="${script}" type="module"></script>
</head>
<body class="live-page">
<a class="skip" href="#messages">Skip to the messages</a>
<header>
<svg viewBox="0 0 54 54" aria-hidden="true" class="mark"><circle cx="27" cy="27" r="20"/>${ringDots('r="4.6"')}</svg>
<div><h1 id="title">Annulus</h1><p class="quiet" id="summary">starting</p></div>
<p class="stamp" id="connection" role="status">connecting</p>
</header>
<main>
<section class="wide" aria-labelledby="now-heading"><h2 id="now-heading" class="hidden">Now</h2><dl class="facts" id="facts"></dl></section>
${sections.map(sectionHtml).join('\n')}
<noscript><p class="verdict failed">This page needs its script. Without it: <a href="/status.json">/status.json</a>.</p></noscript>
</main>
<footer><nav aria-label="The same for programs">
<a href="/status.json">status as JSON</a> <a href="/metrics">metrics</a> <a href="/healthz">health</a>
</nav></footer>
</body>
</html>
`;
}

function sectionHtml({ id, heading, note, body, isWide }: Section): string {
  const kind = isWide === true ? ' class="wide"' : '';
  return `<section id="${id}"${kind} aria-labelledby="${id}-heading" tabindex="-1"><h2 id="${id}-heading">${heading}<small>${note}</small></h2><div class="body">${body}</div></section>`;
}

/** A table that scrolls sideways where the screen is narrow; the keyboard reaches it. */
function tableOf(id: string, label: string, heads: readonly string[], left: number): string {
  const cells = heads.map((head, index) => {
    const isLeft = index < left || head === 'left out';
    return `<th scope="col"${isLeft ? ' class="left"' : ''}>${head}</th>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><thead><tr>${cells.join('')}</tr></thead><tbody id="${id}"></tbody></table></div>`;
}

function ringDots(attributes: string): string {
  return Array.from({ length: 8 }, (_, index) => {
    const angle = (index * Math.PI) / 4;
    const [x, y] = [27 + 20 * Math.cos(angle), 27 + 20 * Math.sin(angle)];
    return `<circle cx="${x.toFixed(2)}" cy="${y.toFixed(2)}" ${attributes}/>`;
  }).join('');
}
