// Time on the page: the hub's clock, never the PC's; and whether what the page shows can still be believed.
const $ = (id) => document.getElementById(id);
const body = document.body;
const zh = document.documentElement.lang.startsWith("zh");

// performance.now() counts on, each heartbeat of the hub corrects it.
let offset = Number(body.dataset.now) - performance.now();
/** The hub's time, in epoch milliseconds. */
export const hubNow = () => offset + performance.now();
/** The connection is lost: ages stand still, keys are off. */
export let frozen = false;

export function ageText(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(s / 3600), d = Math.floor(s / 86400);
  const two = (n) => String(n).padStart(2, "0");
  if (s < 60) return zh ? `${s} 秒` : `${s} s`;
  if (s < 3600) return zh ? `${m} 分 ${two(s % 60)} 秒` : `${m} m ${two(s % 60)} s`;
  if (s < 86400) return zh ? `${h} 小时 ${two(m % 60)} 分` : `${h} h ${two(m % 60)} m`;
  return zh ? `${d} 天 ${h % 24} 小时` : `${d} d ${h % 24} h`;
}

// The clock of the page runs in the hub's zone: take it from the first rendering, move it by seconds.
const clock = $("clock");
const [ch, cm, cs] = (clock?.textContent.match(/(\d\d):(\d\d):(\d\d)/) ?? []).slice(1).map(Number);
const clockBase = ch * 3600 + cm * 60 + cs - Math.floor(Number(body.dataset.now) / 1000);
function clockText(ms) {
  const s = ((clockBase + Math.floor(ms / 1000)) % 86400 + 86400) % 86400;
  return [s / 3600, (s / 60) % 60, s % 60].map((n) => String(Math.floor(n)).padStart(2, "0")).join(":");
}

export function tick() {
  if (frozen) return;
  const now = hubNow();
  if (clock && !Number.isNaN(clockBase)) clock.textContent = clockText(now);
  for (const el of document.querySelectorAll("[data-age]")) {
    const text = ageText(now - Number(el.dataset.age));
    if (el.textContent !== text) el.textContent = text;
  }
}
setInterval(tick, 500);

/* Late over 5 s says so; lost over 10 s stops the screen and names the fallback. */
const live = $("live"), liveWord = $("live-word"), stale = $("stale"), say = $("say");
let lastHeard = performance.now(), lastHubMs = Number(body.dataset.now), connected = false;

/** The feed gave a sign of life; `hubMs` is the hub's clock where it said so. */
export function heard(hubMs) {
  lastHeard = performance.now();
  connected = true;
  if (hubMs) { offset = hubMs - lastHeard; lastHubMs = hubMs; }
  judge();
}

function judge() {
  const late = performance.now() - lastHeard;
  const lost = late > 10_000;
  live.classList.toggle("live--wait", !connected && late <= 5_000);
  live.classList.toggle("live--stale", late > 5_000);
  liveWord.textContent = late > 5_000 ? live.dataset.late : connected ? live.dataset.on : live.dataset.off;
  if (lost === frozen) return;
  frozen = lost;
  body.classList.toggle("is-stale", lost);
  stale.hidden = !lost;
  if (lost) $("stale-time").textContent = clockText(lastHubMs);
  else { say.textContent = say.dataset.again; tick(); }
}

/** Begins to judge the connection. */
export function watch() { setInterval(judge, 1000); }
