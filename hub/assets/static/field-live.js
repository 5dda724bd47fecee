// What the page for telephones has only with a network: it follows what happens, and draws the tasks on a map. Without one nothing of
// this is begun, and the lists say all of it. Nobody's battery is spent on a page that nobody looks at: it is left until somebody does.

/* At most one look in so long, however much happens in the county. */
const LOOK_MS = 3_000;
/* How long after a beginning that came to nothing there is another. */
const FIRST_MS = 5_000, MOST_MS = 120_000;
let at = document.body.dataset.position;
let looking = 0, feed = null, stop = null;
let beginning = false, clock = 0, wait = FIRST_MS;

function follow({ look, ended }) {
  const soon = () => { looking ||= setTimeout(() => { looking = 0; look(); }, LOOK_MS); };
  stop = feed.follow(Number(at), { heard() {}, words() {}, ended, resync: soon, change(change) { if (change.topic === "case") soon(); } });
}
function rest() {
  clearTimeout(clock);
  wait = FIRST_MS;
  if (stop) at = stop();
  stop = null;
}

async function showMap() {
  const strip = document.getElementById("field-map");
  if (!strip?.hidden) return;
  for (const href of ["/assets/maplibre-gl.css", "/assets/map.css"]) {
    if (!document.querySelector(`link[href="${href}"]`)) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  }
  // It has a size before it is drawn.
  strip.hidden = false;
  try { await import("./map.js"); } catch (error) { strip.hidden = true; throw error; }
}

/* Both, on a line that is one: what only seems to be there is not waited for. Whether there is nothing more to begin; without a
   login there is nothing until somebody comes back from it. */
async function begun(on) {
  if (!navigator.onLine) return false;
  const answer = await fetch("/api/v1/session", { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return answer?.status === 401;
  if (at !== undefined && !stop) {
    feed ??= await import("./live.js").catch(() => null);
    if (feed && !document.hidden) follow(on);
  }
  const drawn = await showMap().then(() => true, () => false);
  return drawn && (at === undefined || Boolean(stop));
}

async function begin(on) {
  if (beginning || document.hidden) return;
  beginning = true;
  clearTimeout(clock);
  const done = await begun(on);
  beginning = false;
  if (done || document.hidden) return;
  clock = setTimeout(() => begin(on), wait);
  wait = Math.min(wait * 2, MOST_MS);
}

/** Begins both as soon as there is a network, and goes on with them whenever somebody looks. */
export function withNetwork(on) {
  begin(on);
  addEventListener("online", () => begin(on));
  document.addEventListener("visibilitychange", () => { if (document.hidden) rest(); else begin(on); });
}
