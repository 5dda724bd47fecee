// Holds the browser's one connection to the hub and hands every message to each open page.
// A page that asks from an earlier position gets what it missed from the recent ones kept here, or a resync.
import { alone } from "./live.js";

const KEPT = 1000;
const ports = new Set();
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
  for (const port of ports) port.postMessage(message);
  // Whoever logs in again begins anew.
  if (message.kind === "ended") { stop?.(); stop = null; last = null; recent.length = 0; }
}

function join(port, position) {
  ports.add(port);
  if (last === null) last = position;
  if (!stop) { stop = alone(() => last, take); return; }
  if (position < last) {
    const oldest = recent[0]?.position ?? last + 1;
    if (oldest <= position + 1) recent.filter((m) => m.position > position).forEach((m) => port.postMessage(m));
    else port.postMessage({ kind: "resync", position: last, at: null });
  }
}

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.kind === "from") join(port, data.position);
    if (data.kind === "bye") {
      ports.delete(port);
      if (!ports.size && stop) { stop(); stop = null; last = null; recent.length = 0; }
    }
  };
  port.start();
};
