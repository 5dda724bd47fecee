// The hub's service worker. It shows what the hub pushes, keeps the page for telephones for when there is no network, and sends
// its drafts when there is one again. No other page is kept and no other request is answered here.
// It is served at /sw.js, so that its scope is the whole hub.
importScripts("/assets/drafts.js");

/* The one page that is kept, in one copy: that of the last user, with his tasks as they were. */
const PAGE = "/field", KEPT = "field-2", PATIENCE_MS = 8_000;
const PARTS = ["/assets/tokens.css", "/assets/components.css", "/assets/app.css", "/assets/field.css", "/assets/field.js", "/assets/field-live.js", "/assets/position.js", "/assets/drafts.js", "/assets/favicon.svg", "/manifest.webmanifest"];

self.addEventListener("install", (event) => event.waitUntil((async () => {
  try { await (await caches.open(KEPT)).addAll(PARTS); } catch (error) {
    // An older worker keeps the page as it is, and this one comes again. Where there is none, what is pushed is shown at least.
    if (self.registration.active) throw error;
  }
  await self.skipWaiting();
})()));
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== KEPT && name.startsWith("field-")) await caches.delete(name);
  await self.clients.claim();
})()));

let silentUntil = 0;
/* From the hub where it can be reached, else as it was kept. A page that leads to the login is not kept. */
async function fromHub(request, key) {
  const cache = await caches.open(KEPT), kept = await cache.match(key);
  const ask = async () => {
    const answer = await fetch(request);
    // What is kept is there: something on the way has answered in the hub's place, or the hub fails.
    if (kept && (answer.status === 404 || answer.status >= 500)) throw new Error(`HTTP ${answer.status}`);
    // What an address says beside the page, such as that a report has come, is said once.
    const plain = answer.ok && answer.type === "basic" && !answer.redirected && !new URL(request.url).search;
    if (plain) await cache.put(key, answer.clone()).catch(() => {});
    return answer;
  };
  if (!kept) return ask();
  const asked = ask().then((answer) => { silentUntil = 0; return answer; }).catch(() => kept);
  // A line that is there and silent is none; what the page needs next does not wait as long again.
  const patience = Date.now() < silentUntil ? 0 : PATIENCE_MS;
  let clock;
  const late = new Promise((give) => { clock = setTimeout(() => { silentUntil = Date.now() + 60_000; give(kept); }, patience); });
  return Promise.race([asked, late]).finally(() => clearTimeout(clock));
}
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  // Whoever leaves takes the page along; drafts stay, and are shown to nobody else.
  if (request.method === "POST" && url.pathname === "/logout") event.waitUntil(caches.delete(KEPT));
  if (request.method !== "GET") return;
  if (request.mode === "navigate" ? url.pathname === PAGE : PARTS.includes(url.pathname)) event.respondWith(fromHub(request, url.pathname));
});

/* Background Sync: the browser says that there is a network, though no page is open. What stops it is tried again by the
   browser, but for a login, which needs somebody. */
async function sendDrafts() {
  const why = await self.ShaodianDrafts.send();
  for (const client of await self.clients.matchAll({ type: "window" })) client.postMessage({ drafts: why });
  if (why === "offline" || why === "busy" || why === "held") throw new Error(why);
}
self.addEventListener("sync", (event) => { if (event.tag === "field-drafts") event.waitUntil(sendDrafts()); });

/* Something is shown for every push, whatever it says: browsers take the permission from those who push in silence. */
self.addEventListener("push", (event) => {
  let said = {};
  try { said = event.data?.json() ?? {}; } catch { /* Of a newer hub, or damaged: there is something to look at. */ }
  event.waitUntil(self.registration.showNotification(said.title ?? "哨点 Shaodian", {
    body: said.body ?? "",
    icon: "/assets/favicon.svg",
    tag: said.tag,
    // What takes the place of an older one is told of again; without a tag browsers refuse that.
    renotify: Boolean(said.tag),
    requireInteraction: said.urgent === true,
    data: { url: said.url },
  }));
});

/* Leads to a page of this hub and to nowhere else, in a window that shows it already where there is one. */
async function open(url) {
  const target = new URL(url ?? "/", self.location.origin);
  if (target.origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => new URL(one.url).pathname === target.pathname);
  await (there ? there.focus() : self.clients.openWindow(target.href));
}
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url));
});

/* As the hub names a subscription. */
async function idOf(endpoint) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, "0")).join("").slice(0, 24);
}

/* The browser has renewed its subscription, or lost it: the hub learns of the new one while a session lasts. Later the page
   /me shows that notices are off. */
async function renew(before, now) {
  const page = await (await fetch("/me")).text();
  const csrf = page.match(/name="csrf" content="([0-9a-f]+)"/)?.[1];
  if (!csrf) return;
  const headers = { "X-CSRF-Token": csrf, "Content-Type": "application/json" };
  if (before) await fetch(`/api/v1/me/push/${await idOf(before.endpoint)}`, { method: "DELETE", headers });
  let subscription = now ?? null;
  if (!subscription) {
    const { key } = await (await fetch("/api/v1/me/push/key")).json();
    subscription = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }
  const { endpoint, keys } = subscription.toJSON();
  await fetch("/api/v1/me/push", { method: "POST", headers, body: JSON.stringify({ endpoint, keys }) });
}
self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renew(event.oldSubscription, event.newSubscription));
});
