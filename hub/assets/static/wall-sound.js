// A short tone for emergencies that nobody has, and for nothing else. A browser makes no sound before somebody has allowed
// it; the button always says whether there is one.
const button = document.getElementById("sound"), word = document.getElementById("sound-word");
const KEY = "shaodian-wall-sound";
const MUTE_MS = 2 * 60_000;
const AGAIN_MS = 3_000;

let context = null, mutedUntil = -Infinity, lastTone = -Infinity, wanted = false;
const left = () => mutedUntil - performance.now();
const isOn = () => context?.state === "running";

function tone(at, hertz) {
  const source = context.createOscillator(), volume = context.createGain();
  source.frequency.value = hertz;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(.2, at + .02);
  volume.gain.setValueAtTime(.2, at + .2);
  volume.gain.linearRampToValueAtTime(0, at + .25);
  source.connect(volume).connect(context.destination);
  source.start(at);
  source.stop(at + .26);
}

async function allow() {
  const Sound = window.AudioContext ?? window.webkitAudioContext;
  if (!Sound) return;
  context ??= new Sound();
  try { await context.resume(); } catch { /* said on the button */ }
  try { localStorage.setItem(KEY, "1"); } catch { /* asked again next time */ }
  say();
}

function remembered() {
  try { return localStorage.getItem(KEY) === "1"; } catch { return false; }
}

function say() {
  if (!button) return;
  const words = button.dataset;
  let text = words.on;
  if (!(window.AudioContext ?? window.webkitAudioContext)) text = words.none;
  else if (!isOn()) text = remembered() ? words.asks : words.off;
  else if (left() > 0) text = `${words.muted} ${Math.floor(left() / 60_000)}:${String(Math.floor(left() / 1000) % 60).padStart(2, "0")}`;
  if (word.textContent !== text) word.textContent = text;
  button.classList.toggle("is-silent", !isOn() || left() > 0);
}

/** Whether there is something to be heard; called twice a second. */
export function ring(is) {
  wanted = is;
  say();
  if (!wanted || !isOn() || left() > 0 || performance.now() - lastTone < AGAIN_MS) return;
  lastTone = performance.now();
  tone(context.currentTime, 880);
  tone(context.currentTime + .3, 660);
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    if (!isOn()) { allow(); return; }
    mutedUntil = left() > 0 ? -Infinity : performance.now() + MUTE_MS;
    say();
  });
  // Allowed once on this machine: the first touch of the page is enough from then on.
  const touched = () => { if (remembered() && !isOn()) allow(); };
  addEventListener("pointerdown", touched, { once: true });
  addEventListener("keydown", touched, { once: true });
  say();
}
