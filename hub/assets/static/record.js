// The recording of a call: its waveform (above the caller, below the seat), and its lines to be heard by a click. Without it the
// plain player stays. The file is read for the waveform only when somebody plays it or asks to see it: each reading passes the
// register of the hub.

/** Longer recordings have the plain player alone: an hour of both sides is as much memory as a browser should give. */
const LONGEST_MS = 3_600_000, RATE = 8_000, COLUMNS = 800, STEP_S = 5;

const $ = (id) => document.getElementById(id);
const two = (n) => String(n).padStart(2, "0");
const lengthText = (s) => `${two(Math.floor(s / 60))}:${two(Math.floor(s) % 60)}`;

/** The highest amplitude of each column of one side, 0 to 1. */
export function peaks(samples, columns) {
  const out = new Float32Array(columns), step = samples.length / columns;
  for (let column = 0; column < columns; column += 1) {
    const to = Math.min(samples.length, Math.ceil((column + 1) * step));
    for (let at = Math.floor(column * step); at < to; at += 1) out[column] = Math.max(out[column], Math.abs(samples[at]));
  }
  return out;
}

function draw(canvas, sides) {
  const ratio = devicePixelRatio || 1, { width, height } = canvas.getBoundingClientRect();
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d"), style = getComputedStyle(canvas), half = canvas.height / 2;
  const colours = ["--accent", "--ink-3"].map((name) => style.getPropertyValue(name).trim());
  sides.forEach((side, nth) => {
    pen.fillStyle = colours[nth];
    side.forEach((peak, column) => {
      const x = column / side.length * canvas.width, w = Math.max(1, canvas.width / side.length - ratio), h = Math.max(1, peak * (half - 2));
      pen.fillRect(x, nth === 0 ? half - h : half, w, h);
    });
  });
}

/* What belongs to the player that is on the page now; a live update may bring another one. */
let shown = null, sides = null, loading = false;

async function load(wave) {
  if (sides || loading) return;
  loading = true;
  const says = $("wave-says");
  try {
    if (Number(wave.dataset.length ?? 0) > LONGEST_MS) { says.textContent = wave.dataset.long; return; }
    const answer = await fetch(wave.dataset.url, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const decoder = new OfflineAudioContext(2, 1, RATE);
    const sound = await decoder.decodeAudioData(await answer.arrayBuffer());
    if (sound.duration * 1000 > LONGEST_MS) { says.textContent = wave.dataset.long; return; }
    sides = Array.from({ length: Math.min(2, sound.numberOfChannels) }, (_, side) => peaks(sound.getChannelData(side), COLUMNS));
  } catch (error) {
    says.textContent = wave.dataset.failed + error.message;
  } finally {
    loading = false;
  }
  place();
}

/* Draws what is known of the recording where the page has a place for it. */
function place() {
  const wave = $("wave");
  if (!wave || !sides) return;
  wave.hidden = false;
  $("wave-hint").hidden = false;
  $("wave-show").hidden = true;
  draw(wave.querySelector("canvas"), sides);
}

const lines = () => [...document.querySelectorAll("#said .say[data-start]")];

function follow(audio, wave) {
  const at = audio.currentTime, all = audio.duration || Number(wave.dataset.length ?? 0) / 1000;
  if (!all) return;
  wave.querySelector(".wave__head").style.left = `${Math.min(100, at / all * 100)}%`;
  wave.setAttribute("aria-valuemax", Math.round(all));
  wave.setAttribute("aria-valuenow", Math.round(at));
  wave.setAttribute("aria-valuetext", `${lengthText(at)} / ${lengthText(all)}`);
  const ms = at * 1000;
  for (const line of lines()) line.classList.toggle("is-heard", !audio.paused && Number(line.dataset.start) <= ms && ms < Number(line.dataset.end));
}

/* Before the first sound is here a player knows no length and cannot be moved. */
function seek(audio, s, play) {
  const go = () => { audio.currentTime = Math.max(0, Math.min(s, audio.duration || s)); if (play) audio.play(); };
  if (audio.readyState > 0) { go(); return; }
  audio.addEventListener("loadedmetadata", go, { once: true });
  audio.preload = "metadata";
  audio.load();
}

function toggle(audio) { if (audio.paused) audio.play(); else audio.pause(); }

/* Lines can be heard once there is a player. */
function hearable() {
  const says = $("said")?.dataset.hear ?? "";
  for (const line of lines()) {
    if (line.title === says) continue;
    line.tabIndex = 0;
    line.title = says;
    line.classList.add("say--hears");
  }
}

/* Takes the player of the page, once for each. */
function attach() {
  const audio = $("recording"), wave = $("wave");
  if (!audio || !wave) return;
  hearable();
  if (audio === shown) return;
  shown = audio;
  $("wave-show").hidden = sides !== null;
  $("wave-show").addEventListener("click", () => load(wave));
  audio.addEventListener("play", () => load(wave), { once: true });
  for (const kind of ["timeupdate", "seeked", "pause", "play", "loadedmetadata"]) audio.addEventListener(kind, () => follow(audio, wave));
  wave.addEventListener("click", (event) => {
    const { left, width } = wave.getBoundingClientRect();
    const all = audio.duration || Number(wave.dataset.length ?? 0) / 1000;
    seek(audio, (event.clientX - left) / width * all, true);
  });
  wave.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -STEP_S, ArrowRight: STEP_S, ArrowDown: -STEP_S, ArrowUp: STEP_S };
    if (event.key === " ") { event.preventDefault(); toggle(audio); }
    if (steps[event.key]) { event.preventDefault(); seek(audio, audio.currentTime + steps[event.key], false); }
  });
  place();
}

if (document.querySelector(".callpage")) {
  const hear = (event) => {
    const line = event.target.closest?.("#said .say--hears"), audio = $("recording");
    if (!line || !audio || !getSelection().isCollapsed) return;
    event.preventDefault();
    seek(audio, Number(line.dataset.start) / 1000, true);
  };
  addEventListener("click", hear);
  addEventListener("keydown", (event) => { if ((event.key === "Enter" || event.key === " ") && event.target.matches?.(".say--hears")) hear(event); });
  new MutationObserver(attach).observe(document.querySelector("main"), { childList: true, subtree: true });
  addEventListener("resize", place);
  attach();
}
