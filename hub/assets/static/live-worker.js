// Holds the browser's one connection to the hub and hands every message to each open page.
// A page that asks from an earlier position gets what it missed from the recent ones kept here, or a resync.
import { alone } from "./live.js";

const KEPT = 1000;
// Each page's port, with the running call whose words it shows.
const ports = new Map();
const recent = [];
let last = null, stop = null;

function take(message) {
  if (message.kind === "change") {
    if (message.position <= last) return;
    last = message.position;
    recent.push(message);
    if (recent.length > KEPT) recent.shift();
  }
  if (message.kind === "resync") { last = message.position; recent.length = 0; }
  for (const [port, call] of ports) if (message.kind !== "words" || message.call_id === call) port.postMessage(message);
  // Whoever logs in again begins anew.
  if (message.kind === "ended") { stop?.(); stop = null; last = null; recent.length = 0; }
}

const calls = () => [...new Set([...ports.values()].filter((call) => call !== null))];
function connect() {
  stop?.();
  stop = alone(() => last, take, calls);
}

function join(port, position, call) {
  ports.set(port, call);
  if (last === null) last = position;
  const begins = !stop;
  // Who connects is told all that was said: a page that joins others connects anew for it, and they hear it twice.
  if (begins || call !== null) connect();
  if (begins) return;
  if (position < last) {
    const oldest = recent[0]?.position ?? last + 1;
    if (oldest <= position + 1) recent.filter((m) => m.position > position).forEach((m) => port.postMessage(m));
    else port.postMessage({ kind: "resync", position: last, at: null });
  }
}

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.kind === "from") join(port, data.position, data.call);
    if (data.kind === "bye") {
      const call = ports.get(port);
      ports.delete(port);
      if (ports.size && stop && call !== null && !calls().includes(call)) connect();
      if (!ports.size && stop) { stop(); stop = null; last = null; recent.length = 0; }
    }
  };
  port.start();
};
