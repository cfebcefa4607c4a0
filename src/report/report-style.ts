/** The report's one style sheet: a laboratory sheet in black on white, or light on dark at night. */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ground: #eef1f3; --ink: #17222c; --quiet: #5d6b77; --rule: #d5dce1; --faint: #a9b5be;
  --student: #0b5f7d; --student-fill: #0b5f7d26; --teacher: #a8570f; --teacher-fill: #a8570f24;
  --good: #2f6f3a; --good-fill: #e6f1e7; --bad: #a32626; --bad-fill: #f8e6e4;
  --truth: #35c46a; --predicted: #ffb347; --reference: #8fd0ff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141b21; --ground: #0c1115; --ink: #e2e8ec; --quiet: #93a1ac; --rule: #2b363f; --faint: #56646f;
    --student: #5cb8d6; --student-fill: #5cb8d630; --teacher: #e0994f; --teacher-fill: #e0994f2b;
    --good: #7cc48a; --good-fill: #1b3222; --bad: #ef8a82; --bad-fill: #3a1d1c;
  }
}
* { box-sizing: border-box }
html { background: var(--ground); -webkit-text-size-adjust: 100% }
body { margin: 0 auto; max-width: 1180px; padding: 28px 40px 48px; background: var(--paper); color: var(--ink);
  font: 14px/1.5 ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-variant-numeric: tabular-nums lining-nums }
header { display: flex; gap: 18px; align-items: center; border-bottom: 2px solid var(--ink); padding-bottom: 14px }
header svg { width: 54px; height: 54px; flex: none }
h1 { font-size: 22px; line-height: 1.2; margin: 0; letter-spacing: -0.01em }
header p { margin: 3px 0 0 }
.stamp { margin-left: auto; text-align: right; font-size: 12px; color: var(--quiet) }
section { display: grid; grid-template-columns: 168px minmax(0, 1fr); gap: 0 28px; padding: 22px 0 20px; border-bottom: 1px solid var(--rule) }
section.wide { grid-template-columns: minmax(0, 1fr); gap: 12px }
section.wide > h2 small { max-width: 90ch }
section > h2 { font-size: 14px; margin: 0; line-height: 1.35 }
section > h2 small { display: block; font-weight: 400; font-size: 12px; color: var(--quiet); margin-top: 5px; line-height: 1.45 }
.body > * + * { margin-top: 16px }
.quiet { color: var(--quiet); font-weight: 400; fill: var(--quiet) }
p { margin: 0; max-width: 74ch }
code, .mono { font: 12px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-variant-ligatures: none }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); border-bottom: 1px solid var(--rule) }
.facts > div { padding: 14px 14px 14px 0 }
.facts > div + div { border-left: 1px solid var(--rule); padding-left: 14px }
.facts dt, .facts .name { font-size: 12px; color: var(--quiet); line-height: 1.3 }
.facts .figure { font-size: 25px; line-height: 1.25; letter-spacing: -0.02em; white-space: nowrap }
.facts .figure small { font-size: 13px; letter-spacing: 0; color: var(--quiet) }
.facts .more { font-size: 12px; color: var(--quiet) }
.good { color: var(--good) } .bad { color: var(--bad) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 13px }
th, td { text-align: right; padding: 3px 9px; font-weight: 400; white-space: nowrap; border-bottom: 1px solid var(--rule) }
th:first-child, td:first-child { padding-left: 0 } th:last-child, td:last-child { padding-right: 0 }
thead th { color: var(--quiet); font-size: 12px; vertical-align: bottom; border-bottom: 1px solid var(--faint) }
thead tr:first-child:not(:last-child) th[colspan] { text-align: left; color: var(--ink); font-weight: 600 }
tbody th { font-weight: 600; text-align: left }
tbody tr.sum th, tbody tr.sum td { border-top: 1px solid var(--faint); font-weight: 600 }
tbody tr.sum + tr.sum th, tbody tr.sum + tr.sum td { border-top: 0 }
tr:last-child > * { border-bottom: 0 }
.left { text-align: left } td.wrap { white-space: normal; min-width: 104px; line-height: 1.3; font-size: 12px }
td.gap, th.gap { border-left: 10px solid transparent; background-clip: padding-box }
.taught { background: var(--student-fill) }
.key { font-size: 12px; color: var(--quiet); display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: center }
.key i { display: inline-block; width: 11px; height: 11px; margin-right: 6px; border-radius: 2px; vertical-align: -1px }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 18px 26px }
.pair { display: grid; grid-template-columns: 230px minmax(0, 1fr); gap: 22px; align-items: center }
.row.four { grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 18px } .row.three { grid-template-columns: repeat(3, minmax(0, 1fr)) }
.tight { font-size: 12px } .tight th, .tight td { padding-left: 5px; padding-right: 5px }
figure { margin: 0 } figcaption { font-size: 13px; font-weight: 600; margin-bottom: 3px }
.chart svg, .wide svg { width: 100%; height: auto; display: block; overflow: visible }
svg text { fill: var(--ink); font-family: inherit }
.tick { font-size: 10.5px; fill: var(--quiet) } .tick.small { font-size: 9.3px } .end { font-size: 9.5px; fill: var(--quiet) } .group { font-size: 11px }
.end.student, .end.teacher { font-weight: 700 } .end.student { fill: var(--student) } .end.teacher { fill: var(--teacher) }
.grid { stroke: var(--rule) }
.line { fill: none; stroke: var(--faint); stroke-width: 1; stroke-linejoin: round }
.line.student, .line.teacher { stroke-width: 2.2 } .line.student { stroke: var(--student) } .line.teacher { stroke: var(--teacher) }
.dot { fill: var(--faint) } .dot.student { fill: var(--student) } .dot.teacher { fill: var(--teacher) }
.box rect { fill: var(--student-fill); stroke: var(--student) } .box .median { stroke: var(--student); stroke-width: 2.4 }
.box .whisker { stroke: var(--student) } .box .value { fill: var(--student); opacity: .38 }
.box.teacher rect { fill: var(--teacher-fill); stroke: var(--teacher) } .box.teacher .median { stroke: var(--teacher) }
.box.open rect { fill: var(--paper); fill-opacity: .82; stroke-width: 1.4 }
.box.teacher .whisker { stroke: var(--teacher) } .box.teacher .value { fill: var(--teacher) }
.slices { display: grid; grid-template-columns: repeat(auto-fill, minmax(252px, 1fr)); gap: 18px }
.slices.root { grid-template-columns: repeat(3, minmax(0, 1fr)) } .group th { padding-top: 14px } .measures th:first-child { width: 38% }
.slice svg { width: 100%; height: auto; display: block; background: #000; border-radius: 2px }
.slice image { image-rendering: auto } .slice .larger { display: block; cursor: zoom-in }
.slice figcaption { margin: 6px 0 0; font-weight: 400; font-size: 12px; line-height: 1.4 }
.slice .close { display: none }
.slice:target { position: fixed; inset: 0; z-index: 1; padding: 16px; background: #000; color: #fff; display: grid; grid-template-rows: minmax(0, 1fr) auto; color-scheme: dark }
.slice:target .larger { min-height: 0; cursor: default } .slice:target svg { width: 100%; height: 100% }
.slice:target .close { display: block; position: absolute; top: 12px; right: 18px; padding: 4px 10px; border-radius: 3px; background: #fff; color: #000; text-decoration: none }
.slice:target .quiet { color: #ccc }
.point, .area { fill: none } .point.truth { stroke: var(--truth) } .point.predicted { stroke: var(--predicted) } .point.reference { stroke: var(--reference) }
.slice text { fill: #fff; stroke: #000c; paint-order: stroke; stroke-linejoin: round } .slice text.side { fill: #d7dee3 }
.name.predicted text { fill: var(--predicted) } .name.reference text { fill: var(--reference) }
.leader { fill: none; stroke: #fffa } .scale { fill: none; stroke: #fff }
.plane { fill: none; stroke: var(--reference) }
.area.truth { stroke: var(--truth) } .area.predicted { stroke: var(--predicted) }
.bar { display: block; height: 9px; border-radius: 1px; background: var(--student); min-width: 1px }
.bar.teacher { background: var(--teacher) } td.bars { width: 38%; padding-right: 12px } .bars .bar + .bar { margin-top: 2px }
.verdict { padding: 10px 14px; border-left: 4px solid var(--good); background: var(--good-fill) }
.verdict.failed { border-color: var(--bad); background: var(--bad-fill) }
details summary { cursor: pointer; color: var(--quiet) } pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 11.5px }
ul { margin: 0; padding-left: 18px }
footer { padding-top: 16px; font-size: 12px; color: var(--quiet) }
@media (max-width: 820px) { .row.four, .row.three, .slices.root { grid-template-columns: minmax(0, 1fr) } body { padding: 18px } section { grid-template-columns: minmax(0, 1fr); gap: 10px } .pair { grid-template-columns: 1fr } header { flex-wrap: wrap } .stamp { margin: 0; text-align: left } }
@media print { html { background: none } body { max-width: none; padding: 0 } section { break-inside: avoid-page } }
`;
