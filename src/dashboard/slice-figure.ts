/** A slice of a volume as a picture, with points and areas drawn over it as lines that stay sharp. */
import { base64, fromBase64 } from '../base/index.ts';
import { px } from './axis.ts';
import { html, type Markup } from './markup.ts';
import { encodeGrayPng } from './png.ts';
import type { SlicePicture, SlicePoint } from './run-record.ts';

/** Points further off the slice than this are left out. */
const offSliceMmMax = 12;

export function sliceFigure(slice: SlicePicture): Markup {
  const { width, height, title, caption } = slice;
  const gray = fromBase64(slice.gray) ?? new Uint8Array(width * height);
  const png = `data:image/png;base64,${base64(encodeGrayPng(gray, width, height))}`;
  const unit = Math.max(width, height) / 100;
  const points = slice.points.filter(({ offSliceMm }) => Math.abs(offSliceMm) <= offSliceMmMax);
  return html`<figure class="slice">
    <svg
      viewBox="0 0 ${px(width * slice.pixelAspect)} ${height}"
      role="img"
      aria-label="${title}. ${caption}"
    >
      <image
        href="${png}"
        width="${px(width * slice.pixelAspect)}"
        height="${height}"
        preserveAspectRatio="none"
      />
      <g transform="scale(${px(slice.pixelAspect)} 1)" style="stroke-width:${px(unit * 0.6)}">
        ${slice.areas.map(
          ({ kind, mask }) =>
            html`<path
              class="area ${kind}"
              d="${outline(fromBase64(mask) ?? new Uint8Array(0), width, height)}"
            />`,
        )}
      </g>
      <g style="font-size:${px(unit * 3.6)}px;stroke-width:${px(unit * 0.6)}">
        ${points.map((point) => drawPoint(point, slice.pixelAspect, unit))}
      </g>
    </svg>
    <figcaption><b>${title}</b><br /><span class="quiet">${caption}</span></figcaption>
  </figure>`;
}

/** Truth is a ring, a prediction a cross: told apart without colour too. */
function drawPoint(point: SlicePoint, aspect: number, unit: number): Markup {
  const x = point.x * aspect;
  const { y, kind, label, offSliceMm } = point;
  const opacity = px(1 - 0.6 * Math.min(1, Math.abs(offSliceMm) / offSliceMmMax));
  const r = unit * (kind === 'truth' ? 2.2 : 1.7);
  const shape =
    kind === 'truth'
      ? html`<circle cx="${px(x)}" cy="${px(y)}" r="${px(r)}" />`
      : html`<path
          d="M${px(x - r)} ${px(y - r)}l${px(2 * r)} ${px(2 * r)}m0 ${px(-2 * r)}l${px(-2 * r)} ${px(2 * r)}"
        />`;
  const name =
    kind === 'truth'
      ? html`<text x="${px(x + unit * 3)}" y="${px(y - unit * 1.6)}">${label}</text>`
      : null;
  return html`<g class="point ${kind}" opacity="${opacity}"
    >${shape}${name}<title>${label}, ${kind}, ${offSliceMm.toFixed(1)} mm off the slice</title></g
  >`;
}

/** The edges between pixels inside and outside a mask, joined along rows and columns. */
export function outline(mask: Uint8Array, width: number, height: number): string {
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && (mask[y * width + x] ?? 0) !== 0;
  let path = '';
  for (let y = 0; y <= height; y++) {
    path += runs(
      width,
      (x) => inside(x, y) !== inside(x, y - 1),
      (x, length) => `M${x} ${y}h${length}`,
    );
  }
  for (let x = 0; x <= width; x++) {
    path += runs(
      height,
      (y) => inside(x, y) !== inside(x - 1, y),
      (y, length) => `M${x} ${y}v${length}`,
    );
  }
  return path;
}

function runs(
  count: number,
  isEdge: (index: number) => boolean,
  draw: (start: number, length: number) => string,
): string {
  let path = '';
  let start = -1;
  for (let index = 0; index <= count; index++) {
    const edge = index < count && isEdge(index);
    if (edge && start < 0) start = index;
    if (!edge && start >= 0) {
      path += draw(start, index - start);
      start = -1;
    }
  }
  return path;
}
