// What a map draws on its points: the shapes of the severities and numbered pins, drawn on a canvas in the colours of the
// page. Full: nobody has it in hand. Hollow: somebody has.

// In 16 units: octagon, triangle, diamond, ring; as in tokens.css.
const SHAPES = {
  p1: "M4.9.5h6.2l4.4 4.4v6.2l-4.4 4.4H4.9L.5 11.1V4.9z",
  p2: "M8 1l7.5 13.6H.5z",
  p3: "M8 1.2 14.8 8 8 14.8 1.2 8z",
  p4: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z",
};
const HOLES = { p4: "M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z" };
const RATIO = 2, SIZE = 24, UNITS = 20;
/** Candidates that somebody picks from have digits. */
export const MOST_PINS = 9;

function canvas(draw) {
  const pad = document.createElement("canvas");
  pad.width = pad.height = SIZE * RATIO;
  const pen = pad.getContext("2d");
  pen.scale(pad.width / UNITS, pad.height / UNITS);
  pen.translate(2, 2);
  pen.lineJoin = "round";
  draw(pen);
  return pen.getImageData(0, 0, pad.width, pad.height);
}

function severity(name, fill, ground, hollow) {
  return canvas((pen) => {
    const shape = new Path2D(SHAPES[name]);
    pen.strokeStyle = ground;
    pen.lineWidth = 3;
    pen.stroke(shape);
    pen.fillStyle = hollow ? ground : fill;
    pen.fill(shape);
    if (hollow) {
      pen.strokeStyle = fill;
      pen.save();
      pen.clip(shape);
      pen.lineWidth = 3.6;
      pen.stroke(shape);
      pen.restore();
    } else if (HOLES[name]) {
      pen.fillStyle = ground;
      pen.fill(new Path2D(HOLES[name]));
    }
  });
}

function pin(text, colours) {
  return canvas((pen) => {
    pen.beginPath();
    pen.arc(8, 8, 7.2, 0, 2 * Math.PI);
    pen.fillStyle = colours.accent;
    pen.strokeStyle = colours.ground;
    pen.lineWidth = 1.6;
    pen.fill();
    pen.stroke();
    pen.fillStyle = colours.onAccent;
    pen.font = `600 10px ${colours.fonts}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(text, 8, 8.6);
  });
}

/** Gives a map its pictures: `p1` … `p4`, `p1-held` …, `pin-1` … `pin-9` and `pin`. */
export function addIcons(map, colours) {
  const options = { pixelRatio: RATIO };
  for (const name of Object.keys(SHAPES)) {
    map.addImage(name, severity(name, colours[name], colours.ground, false), options);
    map.addImage(`${name}-held`, severity(name, colours[name], colours.ground, true), options);
  }
  for (let at = 1; at <= MOST_PINS; at += 1) map.addImage(`pin-${at}`, pin(String(at), colours), options);
  map.addImage("pin", pin("", colours), options);
}
