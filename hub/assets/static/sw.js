// The hub's service worker. It shows what the hub pushes, and nothing else: no page is kept and no request is answered here.
// It is served at /sw.js, so that its scope is the whole hub; pages for telephones add their part for being offline here.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

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
