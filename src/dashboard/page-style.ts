/** What the live page adds to the report's style sheet. Colour never stands alone: words and dashes say the same. */

/** After the report's. */
export const pageStyle = `
:root { --line-1: #0b5f7d; --line-2: #a8570f; --line-3: #6a3d9a; --line-4: #2f6f3a; --line-5: #a32665; --warn: #8a5a00; --warn-fill: #fbf0da }
@media (prefers-color-scheme: dark) {
  :root { --line-1: #5cb8d6; --line-2: #e0994f; --line-3: #b79be0; --line-4: #7cc48a; --line-5: #ec8fbd; --warn: #e3b555; --warn-fill: #33290f }
}
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.skip { position: absolute; left: -9999px }
.skip:focus { left: 12px; top: 8px; padding: 6px 12px; background: var(--paper); color: var(--ink); z-index: 2 }
a { color: var(--student) }
:focus-visible { outline: 3px solid var(--student); outline-offset: 2px; border-radius: 2px }
section:focus { outline: none }
.mark circle { fill: none; stroke: var(--student); stroke-width: 1.4 }
.mark circle + circle { fill: var(--student); stroke: var(--paper); stroke-width: 1.6 }
#connection { font-size: 13px; padding: 5px 10px; border: 1px solid var(--rule); border-radius: 3px; max-width: 34ch }
#connection.live { color: var(--good); border-color: var(--good) }
#connection.lost { color: var(--bad); border-color: var(--bad); background: var(--bad-fill); font-weight: 600 }
.stale main { opacity: .7 }
#facts { margin: 0; border-bottom: 0 }
section.wide:has(#facts) { padding: 4px 0 }
#facts dd { margin: 0 }
.facts .figure { font-size: 22px } .facts .figure.words { font-size: 17px; line-height: 1.62 }
.body .pair { grid-template-columns: 260px minmax(0, 1fr); align-items: start }
section.wide > h2 small { margin-top: 2px }
.reason { display: block; white-space: normal; color: var(--quiet); font-size: 12px; line-height: 1.35 }
td.status, td.why { white-space: normal; min-width: 180px; text-align: left }
td.why { font-size: 12px; color: var(--quiet) }
td.left, th.left { text-align: left }
#member-rows td.left { white-space: normal; min-width: 92px }
#member-rows > tr > *, #round-rows > tr > * { vertical-align: top; padding-top: 5px; padding-bottom: 5px }
.word { font-weight: 600 }
.word.excluded, .word.unreachable, .word.void, .word.error { color: var(--bad) }
.word.contributed, .word.sealed { color: var(--good) }
.word.training, .word.open, .word.cut { color: var(--student) }
.word.registered, .word.configured, .word.warning { color: var(--warn) }
.messages { list-style: none; padding: 0 }
.messages li { padding: 9px 14px; border-left: 4px solid var(--faint); background: var(--ground) }
.messages li + li { margin-top: 8px }
.messages li.error { border-color: var(--bad); background: var(--bad-fill) }
.messages li.warning { border-color: var(--warn); background: var(--warn-fill) }
.messages li.none { border-color: var(--good); background: var(--good-fill) }
.messages p, .reason, #journal-lines li { overflow-wrap: anywhere }
.messages p { max-width: none } .messages .since { color: var(--quiet); font-size: 12px; font-weight: 400 }
#ring svg { display: block; width: 100%; max-width: 300px; height: auto; margin: 0 auto; overflow: visible }
.ring { fill: none; stroke: var(--rule); stroke-width: 1 }
.link { fill: none; stroke: var(--faint); stroke-width: 1.4 }
.link.connected { stroke: var(--student) } .link.dialing { stroke: var(--warn); stroke-dasharray: 2 4 }
.link.unreachable { stroke: var(--bad); stroke-dasharray: 6 4 } .link.unknown { stroke-dasharray: 1 5 }
.site .back { fill: var(--paper); stroke: none }
.site .dot { fill: var(--paper); stroke: var(--student); stroke-width: 1.5 }
.site.contributed .dot { fill: var(--student) } .site.contributed .id { fill: var(--paper) }
.site.training .dot { fill: var(--student-fill) }
.site.excluded .dot { stroke: var(--bad); fill: var(--bad-fill) }
.site.registered .dot, .site.configured .dot { stroke: var(--warn); stroke-dasharray: 3 2 }
.site .own { fill: none; stroke: var(--student); stroke-dasharray: none }
.site text { font-size: 10px; text-anchor: middle } .site .id { font-weight: 700 } .site .word { font-weight: 400; fill: var(--quiet) }
.site text.start { text-anchor: start } .site text.end { text-anchor: end }
#charts figcaption .quiet { font-weight: 400 }
.plot { min-height: 190px; position: relative }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 12px; margin-top: 2px }
#charts .legend svg { display: inline-block; width: 26px; height: 8px; margin-right: 6px; vertical-align: 1px }
.legend line { stroke-width: 2.2 }
.line-1 { stroke: var(--line-1) } .line-2 { stroke: var(--line-2) } .line-3 { stroke: var(--line-3) } .line-4 { stroke: var(--line-4) } .line-5 { stroke: var(--line-5) }
.u-cursor-x { border-color: var(--faint) }
#charts details { font-size: 12px; margin-top: 4px } #charts details .scroll { max-height: 220px; overflow: auto }
.pairs { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 18px; margin: 0 }
.pairs dt { color: var(--quiet) } .pairs dd { margin: 0; overflow-wrap: anywhere }
.prediction img { max-width: min(100%, 800px); height: auto; display: block; background: #000; border-radius: 2px }
.prediction figcaption { margin: 6px 0 0; font-weight: 400 }
.lines { max-height: 260px; overflow: auto }
#journal-lines { list-style: none; margin: 0; padding: 0; font-size: 13px }
#journal-lines li { display: grid; grid-template-columns: 76px minmax(0, 1fr); gap: 10px; padding: 2px 0 }
#journal-lines time { color: var(--quiet); font-size: 12px }
footer nav a { margin-right: 16px }
@media (max-width: 980px) { .body .pair { grid-template-columns: minmax(0, 1fr) } }
@media (max-width: 480px) {
  .facts { grid-template-columns: 1fr 1fr } .facts > div { padding: 10px 10px 10px 0 } .facts > div + div { border-left: 0; padding-left: 0 }
  .facts .figure { font-size: 19px }
  #connection { max-width: none }
}
@media (prefers-reduced-motion: no-preference) { .stale main { transition: opacity .2s } }
`;
