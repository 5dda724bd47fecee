// What the page has to read again, one thing after another. A failure keeps the job and tries again, more and more
// slowly; what the hub refuses for good (gone, not permitted) is not asked for again until it changes.

/** Where this page is read again: after a refused form the address in the browser takes no GET. */
export const here = document.querySelector("main")?.dataset.self ?? location.pathname + location.search;

const due = new Map();
let working = false, pause = 1500;

async function work() {
  if (working) return;
  working = true;
  while (due.size) {
    const [key, job] = due.entries().next().value;
    due.delete(key);
    try { await job(); pause = 1500; } catch (error) {
      if (error.forGood) continue;
      if (!due.has(key)) due.set(key, job);
      await new Promise((r) => setTimeout(r, pause));
      pause = Math.min(pause * 2, 60_000);
    }
  }
  working = false;
}

/** Does `job` when its turn comes; a newer one of the same key takes the place of an older. */
export function later(key, job) { due.delete(key); due.set(key, job); work(); }

export function toLogin() { location.href = `/login?expired=1&next=${encodeURIComponent(here)}`; }

export const isLogin = (answer) => answer.redirected && new URL(answer.url).pathname === "/login";

class Refused extends Error {
  constructor(what, status) { super(`${what} ${status}`); this.forGood = status >= 400 && status < 500; }
}

/** Reads an address of the hub; `null` when it is gone and `maybe` allows that. */
export async function read(path, maybe = false) {
  const answer = await fetch(path, { credentials: "same-origin" });
  if (isLogin(answer)) { toLogin(); throw new Refused("login", 401); }
  if (maybe && answer.status === 404) return null;
  if (!answer.ok) throw new Refused(path, answer.status);
  return answer;
}
