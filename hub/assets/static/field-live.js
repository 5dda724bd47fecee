// What the page for telephones has only with a network: it follows what happens, and draws the tasks on a map. Without one nothing of
// this is begun, and the lists say all of it.

/* At most one look in so long, however much happens in the county. */
const LOOK_MS = 3_000;
let looking = 0, following = false;

async function follow({ look, ended }) {
  const at = document.body.dataset.position;
  if (following || at === undefined) return;
  following = true;
  const soon = () => { looking ||= setTimeout(() => { looking = 0; look(); }, LOOK_MS); };
  try {
    const feed = await import("./live.js");
    feed.follow(Number(at), { heard() {}, words() {}, ended, resync: soon, change(change) { if (change.topic === "case") soon(); } });
  } catch { following = false; }
}

async function showMap() {
  const strip = document.getElementById("field-map");
  if (!strip?.hidden) return;
  for (const href of ["/assets/maplibre-gl.css", "/assets/map.css"]) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  // It has a size before it is drawn.
  strip.hidden = false;
  try { await import("./map.js"); } catch { strip.hidden = true; }
}

/** Begins both, on a line that is one: what only seems to be there is not waited for. Called again whenever somebody looks, or the
    line has come back. */
export async function withNetwork(on) {
  if (document.hidden) return;
  const answer = navigator.onLine && await fetch("/api/v1/session", { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  showMap();
  follow(on);
}
