// Outlines on a picture, in shares of its width and height: what camera.js draws and checks. Knows no page.

/** `0.2,0.5 0.8,0.5`; null where it is not of this form or leaves the picture. */
export function parse(text) {
  const points = text.trim().split(/\s+/).filter(Boolean).map((pair) => pair.replace("，", ",").split(",").map((part) => part.trim() === "" ? NaN : Number(part)));
  return points.every((p) => p.length === 2 && p.every((v) => v >= 0 && v <= 1)) ? points : null;
}

/** The same the other way round, to a thousandth of the picture. */
export const write = (points) => points.map((p) => p.map((v) => Number(Math.min(1, Math.max(0, v)).toFixed(3))).join(",")).join(" ");

const turn = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
const crosses = (a, b, c, d) => turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;

/** Whether two edges of the closed outline cross. */
export function crossing(points) {
  const n = points.length, edge = (i) => [points[i], points[(i + 1) % n]];
  for (let first = 0; first < n; first++) {
    for (let second = first + 2; second < n; second++) {
      if ((first !== 0 || second !== n - 1) && crosses(...edge(first), ...edge(second))) return true;
    }
  }
  return false;
}

/** Share of the picture that it encloses. */
export const area = (points) => Math.abs(points.reduce((sum, a, i) => { const b = points[(i + 1) % points.length]; return sum + a[0] * b[1] - b[0] * a[1]; }, 0)) / 2;

export const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
