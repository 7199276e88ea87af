// What the plots share: sharp canvases, the page's colours and fonts, an axis of time.

export const AXIS = 20; // pixels below a plot, for seconds

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const TICK_ROOM = 64; // pixels between labels of the axis

/** A function from names of CSS variables to colours, as they hold for an element. */
export function paletteOf(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(name).trim();
}

/** The page's font, at a weight and size. */
export function fontOf(size) {
  return `${size} ${getComputedStyle(document.body).fontFamily}`;
}

/** A canvas at the size of its pixels, cleared. */
export function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  return ctx;
}

/** Times below a plot. */
export function drawAxis(ctx, x, start, end, top, scale, colour) {
  const step = STEPS.find((seconds) => seconds * scale >= TICK_ROOM) ?? STEPS.at(-1);
  ctx.font = fontOf("12px");
  ctx.textBaseline = "top";
  ctx.fillStyle = colour("--quiet");
  for (let i = Math.ceil(start / step); i * step <= end; i++) {
    const text = clock(i * step, step < 1 ? 1 : 0);
    if (x(i * step) + ctx.measureText(text).width > x(end)) break;
    ctx.fillRect(Math.round(x(i * step)), top, 1, 5);
    ctx.fillText(text, x(i * step) + 4, top + 5);
  }
}

/** Seconds as 1:02:03.4. */
export function clock(seconds, digits = 0) {
  const all = Math.round(seconds * 10 ** digits);
  const whole = Math.floor(all / 10 ** digits);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  const text = parts.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
  return digits ? `${text}.${String(all % 10 ** digits).padStart(digits, "0")}` : text;
}

/** A share of one as .95. */
export function shareText(share) {
  return share.toFixed(2).replace(/^0/, "");
}
