// The page of one's own account: has this browser told of notices, or no more. The rest of the page works by forms.
const box = document.getElementById("push");
const csrf = document.querySelector("meta[name=csrf]").content;
const API = "/api/v1/me/push";

/* Exactly one of the states is shown. */
function show(state, why = "") {
  for (const el of box.querySelectorAll("[data-state]")) el.hidden = el.dataset.state !== state;
  document.getElementById("push-why").textContent = why;
}

function bytes(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
const key = bytes(box.dataset.key);

/* As the hub names a subscription: push/mod.rs. */
async function idOf(endpoint) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  return [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, "0")).join("").slice(0, 24);
}

/* What people call their browser, as far as it tells. */
function label() {
  const agent = navigator.userAgent;
  const find = (pairs) => pairs.find(([part]) => agent.includes(part))?.[1] ?? "";
  const browser = find([["Edg", "Edge"], ["HuaweiBrowser", "Huawei"], ["MicroMessenger", "WeChat"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]]);
  const system = find([["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS", "macOS"], ["Linux", "Linux"]]);
  return [browser, system].filter(Boolean).join(" · ");
}

async function ask(method, path, body) {
  const headers = { "X-CSRF-Token": csrf };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.ok || (method === "DELETE" && answer.status === 404)) return;
  throw new Error((await answer.json().catch(() => null))?.detail ?? `HTTP ${answer.status}`);
}

const mine = async () => {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager?.getSubscription()) ?? null;
};
/* One that was made for another key, of another hub or an earlier one, hears nothing of this hub. */
function isOurs(subscription) {
  const theirs = subscription?.options?.applicationServerKey;
  if (!theirs) return subscription !== null;
  const other = new Uint8Array(theirs);
  return other.length === key.length && other.every((b, at) => b === key[at]);
}

/* Which row of the list is this browser's; none when the hub does not know it. */
async function rowOf(subscription) {
  const id = await idOf(subscription.endpoint);
  return box.querySelector(`[data-push="${id}"]`);
}

async function look() {
  if (!window.isSecureContext || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return show("unsupported");
  const subscription = await mine();
  const row = subscription && isOurs(subscription) ? await rowOf(subscription) : null;
  if (row) row.querySelector("[data-this]").hidden = false;
  if (box.dataset.setUp !== "true") return show("unready");
  if (Notification.permission === "denied") return show("denied");
  show(row ? "on" : "off");
}

async function turnOn() {
  show("waiting");
  if (await Notification.requestPermission() !== "granted") return look();
  await navigator.serviceWorker.register("/sw.js", { scope: "/" });
  const registration = await navigator.serviceWorker.ready;
  const old = await registration.pushManager.getSubscription();
  if (old && !isOurs(old)) await old.unsubscribe();
  const subscription = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = subscription.toJSON();
  await ask("POST", API, { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth }, label: label() });
  location.replace("/me");
}

async function turnOff() {
  show("waiting");
  const subscription = await mine();
  if (subscription) {
    // The hub first: a browser that it still knows and that is gone would be refused in vain.
    await ask("DELETE", `${API}/${await idOf(subscription.endpoint)}`);
    await subscription.unsubscribe();
  }
  location.replace("/me");
}

const failed = (error) => { show("broken", error.message); document.querySelector("[data-state=off]").hidden = false; };
document.getElementById("push-on").addEventListener("click", () => turnOn().catch(failed));
document.getElementById("push-off").addEventListener("click", () => turnOff().catch(failed));
look().catch(failed);
