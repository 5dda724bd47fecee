// The hub's live feed. One connection per browser where SharedWorker exists (HTTP/1.1 allows six), else one per tab.
// Ids come only from the hub's durable log: after any break the feed resumes behind the last id seen.

/** Follows the feed after `position`. `on.heard(hubMs)`, `on.change({topic, subject, position})`, `on.resync()`;
    `on.words({call_id, lines, ended})` of the running call `call`, if there is one; `on.ended()` once nobody is logged in
    any more. Returns what ends it, which tells how far it has come. */
export function follow(position, on, call = null) {
  let seen = position, end;
  const stop = () => { end(); return seen; };
  const own = () => call === null ? [] : [call];
  const take = (message) => {
    if (message.kind === "ended") on.ended();
    if (message.kind === "words") { on.heard(); on.words(message); }
    if (message.kind === "beat") on.heard(message.at);
    if (message.kind === "resync") { seen = message.position; on.heard(message.at); on.resync(); }
    if (message.kind === "change" && message.position > seen) { seen = message.position; on.heard(); on.change(message); }
  };
  if (typeof SharedWorker === "function") {
    try {
      const worker = new SharedWorker("/assets/live-worker.js", { type: "module", name: "shaodian-live" });
      const bye = () => worker.port.postMessage({ kind: "bye" });
      const left = (event) => { if (!event.persisted) bye(); };
      worker.onerror = () => { worker.port.close(); end = alone(() => seen, take, own); };
      worker.port.onmessage = (event) => take(event.data);
      worker.port.start();
      worker.port.postMessage({ kind: "from", position, call });
      addEventListener("pagehide", left);
      end = () => { worker.onerror = worker.port.onmessage = null; removeEventListener("pagehide", left); bye(); };
      return stop;
    } catch { /* fall through to a connection of this tab */ }
  }
  end = alone(() => seen, take, own);
  return stop;
}

/** Running calls that one connection follows; the hub refuses more. */
const MOST_CALLS = 16;

/** Connects, and reconnects for ever from `from()`, for the words of `calls()`; silence of 15 s counts as a break. Returns a
    stop function. */
export function alone(from, take, calls) {
  let source, watchdog, wait = 500, stopped = false, failures = 0;
  const again = () => {
    source?.close();
    clearTimeout(watchdog);
    if (stopped) return;
    failures += 1;
    // An event stream only says "error": ask whether the hub is away or the login is over.
    if (failures > 1) ask();
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 5000);
  };
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(again, 15_000);
  };
  const ask = async () => {
    const answer = await fetch("/api/v1/session").catch(() => null);
    if (answer?.status !== 401 || stopped) return;
    stopped = true;
    take({ kind: "ended" });
  };
  const connect = () => {
    if (stopped) return;
    // Our own retry: the browser's would resend an id the page may already have passed.
    source = new EventSource(`/api/v1/changes?after=${from()}&calls=${calls().slice(-MOST_CALLS).join(",")}`);
    source.onerror = again;
    source.onopen = () => { wait = 500; failures = 0; alive(); };
    const hear = (kind) => (event) => { alive(); take({ kind, ...JSON.parse(event.data) }); };
    source.addEventListener("beat", hear("beat"));
    source.addEventListener("change", hear("change"));
    source.addEventListener("words", hear("words"));
    source.addEventListener("resync", hear("resync"));
    alive();
  };
  connect();
  return () => { stopped = true; source?.close(); clearTimeout(watchdog); };
}
