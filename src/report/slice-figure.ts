/** A slice of a volume as a picture, with points and areas drawn over it as lines that stay sharp. */
import { base64, fromBase64 } from '../base/index.ts';
import { px } from './axis.ts';
import { html, type Markup } from './markup.ts';
import { encodeGrayPng } from './png.ts';
import { placeNames } from './point-names.ts';
import type { SliceLine, SlicePicture, SlicePoint } from './run-record.ts';

/** Points further off the slice than this are left out. */
const offSliceMmMax = 12;

/** Lengths a scale bar may have, mm. */
const barsMm = [100, 50, 20, 10, 5, 2, 1] as const;

/**
 * A slice with its points. A click shows it as large as the window; a click on "close" goes back.
 *
 * @param id of this picture on its page
 */
export function sliceFigure(slice: SlicePicture, id: string): Markup {
  const { width, height, title, caption } = slice;
  const gray = fromBase64(slice.gray) ?? new Uint8Array(width * height);
  const png = `data:image/png;base64,${base64(encodeGrayPng(gray, width, height))}`;
  // One unit of the drawing is the height of a pixel, along both axes.
  const drawn = { width: width * slice.pixelAspect, height };
  // Pictures stand beside one another, equally wide: so are their letters.
  const unit = drawn.width / 100;
  const points = slice.points
    .filter(({ offSliceMm }) => Math.abs(offSliceMm) <= offSliceMmMax)
    .map((point) => ({ ...point, x: point.x * slice.pixelAspect }));
  return html`<figure class="slice" id="${id}">
    <a class="larger" href="#${id}" title="larger">
      <svg viewBox="0 0 ${px(drawn.width)} ${height}" role="img" aria-label="${title}. ${caption}">
        <image
          href="${png}"
          width="${px(drawn.width)}"
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
        <g style="font-size:${px(unit * fontUnits)}px;stroke-width:${px(unit * 0.6)}">
          ${(slice.lines ?? []).map((line) => drawLine(line, slice.pixelAspect, unit))}
          ${points.map((point) => drawPoint(point, unit))} ${drawNames(points, drawn, unit)}
          ${drawSides(slice, drawn, unit)} ${drawScale(slice, drawn, unit)}
        </g>
      </svg>
    </a>
    <a class="close" href="#pictures">close ✕</a>
    <figcaption><b>${title}</b><br /><span class="quiet">${caption}</span></figcaption>
  </figure>`;
}

/** Height of letters in hundredths of the picture's width. */
const fontUnits = 4;

/** Truth is a ring, a prediction a cross, a reference a diamond: told apart without colour too. */
function drawPoint({ x, y, kind, label, offSliceMm }: SlicePoint, unit: number): Markup {
  const r = unit * (kind === 'predicted' ? 1.7 : 2.2);
  const shapes = {
    truth: html`<circle cx="${px(x)}" cy="${px(y)}" r="${px(r)}" />`,
    predicted: html`<path
      d="M${px(x - r)} ${px(y - r)}l${px(2 * r)} ${px(2 * r)}m0 ${px(-2 * r)}l${px(-2 * r)} ${px(2 * r)}"
    />`,
    reference: html`<path
      d="M${px(x - r)} ${px(y)}l${px(r)} ${px(-r)}l${px(r)} ${px(r)}l${px(-r)} ${px(r)}z"
    />`,
  } as const;
  return html`<g class="point ${kind}" opacity="${opacityOf(offSliceMm)}"
    >${shapes[kind]}<title>${label}, ${kind}, ${offSliceMm.toFixed(1)} mm off the slice</title></g
  >`;
}

/** Dashed, so that what lies under it is seen. */
function drawLine({ label, path }: SliceLine, pixelAspect: number, unit: number): Markup {
  const corners = path.map(([x, y]) => `${px(x * pixelAspect)} ${px(y)}`).join('L');
  return html`<path
    class="plane"
    d="M${corners}"
    style="stroke-width:${px(unit * 0.35)};stroke-dasharray:${px(unit * 1.4)} ${px(unit)}"
    ><title>${label}</title></path
  >`;
}

/** Every name once: at the true point where there is one, else at the one that was found. */
function drawNames(
  points: readonly SlicePoint[],
  { width, height }: { readonly width: number; readonly height: number },
  unit: number,
): Markup[] {
  const isTrue = (label: string): boolean =>
    points.some((point) => point.label === label && point.kind !== 'predicted');
  const named = points.filter(({ kind, label }) => kind !== 'predicted' || !isTrue(label));
  const room = { width, height, fontSize: unit * fontUnits, markRadius: unit * 2, marks: points };
  return placeNames(named, room).map(({ label, x, y, textX, textY, isFar }, index) => {
    const kind = named[index]?.kind ?? 'truth';
    const middleX = textX + (label.length * unit * fontUnits * 0.6) / 2;
    const leader = isFar
      ? html`<path
          class="leader"
          d="M${px(x)} ${px(y)}L${px(middleX)} ${px(textY - unit * 1.2)}"
          style="stroke-width:${px(unit * 0.25)}"
        />`
      : null;
    return html`<g class="name ${kind}"
      >${leader}<text x="${px(textX)}" y="${px(textY)}" style="stroke-width:${px(unit * 0.35)}"
        >${label}</text
      ></g
    >`;
  });
}

function opacityOf(offSliceMm: number): string {
  return px(1 - 0.5 * Math.min(1, Math.abs(offSliceMm) / offSliceMmMax));
}

/** What lies beyond the edges: a picture without it may be read the wrong way round. */
function drawSides(
  { sides }: SlicePicture,
  { width, height }: { readonly width: number; readonly height: number },
  unit: number,
): Markup {
  const at = (x: number, y: number, side: string): Markup =>
    html`<text class="side" x="${px(x)}" y="${px(y)}" text-anchor="middle">${side}</text>`;
  const drop = unit * fontUnits * 0.36;
  return html`${at(unit * 3, height / 2 + drop, sides.left)}
  ${at(width - unit * 3, height / 2 + drop, sides.right)} ${at(width / 2, unit * 4.4, sides.top)}
  ${at(width / 2, height - unit * 1.6, sides.bottom)}`;
}

/** A bar of a round length, a quarter of the picture at most. */
function drawScale(
  { pixelMm }: SlicePicture,
  { width, height }: { readonly width: number; readonly height: number },
  unit: number,
): Markup {
  const mm = barsMm.find((length) => length / pixelMm <= width / 4) ?? 1;
  const length = mm / pixelMm;
  const [x, y] = [unit * 3, height - unit * 3];
  return html`<path
      class="scale"
      d="M${px(x)} ${px(y - unit)}v${px(unit)}h${px(length)}v${px(-unit)}"
      style="stroke-width:${px(unit * 0.5)}"
    />
    <text class="side" x="${px(x)}" y="${px(y - unit * 1.8)}">${mm} mm</text>`;
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
