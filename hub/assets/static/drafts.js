// Drafts of the page for telephones, and how they are sent: one after another, in order, each once. A plain script: the page
// and the service worker both load it. What is kept lies in IndexedDB on the telephone and belongs to the user who wrote it.
//
// A draft: { id, version, user, kind, number, title, fields, position, at, pictures: [{ id, blob, attachment }], occurred_at, status,
// why, case, close, held }. `id` is its Idempotency-Key, each picture has its own, `close` is the key of the move that follows a
// report which was handled on the spot. `status`: waiting, or refused with `why`; what is refused waits for its user, who
// saves it as another `version`. `held`: until when it waits for a position that is still being found.
(() => {
  const NAME = "shaodian-field", STORE = "drafts", LOCK = "shaodian-field-send";
  const MOST_DRAFTS = 200, MOST_PICTURES = 5;

  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  let opened = null;
  function open() {
    opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" }).createIndex("user", "user");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => { opened = null; reject(request.error); };
    });
    return opened;
  }
  const store = async (mode) => (await open()).transaction(STORE, mode).objectStore(STORE);

  /** Those of a user, the oldest first. */
  async function all(user) {
    const rows = await done((await store("readonly")).index("user").getAll(user));
    return rows.sort((a, b) => a.occurred_at - b.occurred_at || (a.id < b.id ? -1 : 1));
  }
  const get = async (id) => done((await store("readonly")).get(id));
  /* On the disk when this returns: the form it came from may be emptied then. */
  async function put(draft) {
    const target = await store("readwrite");
    const kept = new Promise((resolve, reject) => {
      target.transaction.oncomplete = resolve;
      target.transaction.onabort = target.transaction.onerror = () => reject(target.transaction.error);
    });
    target.put(draft);
    await kept;
  }
  const remove = async (id) => done((await store("readwrite")).delete(id));

  /* While a draft is being sent its user may change or delete it: what is written of the sending is then of something else. */
  class Changed extends Error {}
  async function settle(draft, act) {
    const target = await store("readwrite"), now = await done(target.get(draft.id));
    if (now?.version !== draft.version) throw new Changed();
    await done(act(target));
  }
  const update = (draft) => settle(draft, (target) => target.put(draft));

  /* What stops the whole queue: the rest waits too. */
  class Later extends Error {
    constructor(why, word = "") { super(why); this.why = why; this.word = word; }
  }
  /* What stops this draft: its user decides. */
  class Refused extends Error {
    constructor(problem, status) { super(problem?.detail ?? `HTTP ${status}`); this.problem = problem; this.status = status; }
  }

  async function ask(path, options) {
    let answer;
    try { answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options }); } catch { throw new Later("offline"); }
    // Something on the way, such as a gate that wants a password first, has answered in the hub's place.
    if (!/\bjson\b/.test(answer.headers.get("content-type") ?? "")) throw new Later("offline");
    const body = await answer.json().catch(() => null);
    if (answer.ok) return body;
    const detail = body?.detail ?? `HTTP ${answer.status}`;
    // A password that an administrator made is changed first; that page is one behind a login, too.
    const isToLogIn = detail.includes("X-CSRF-Token") || detail.includes("change it on /me");
    if (answer.status === 401 || (answer.status === 403 && isToLogIn)) throw new Later("login");
    if (answer.status === 429 || answer.status >= 500) throw new Later("busy", detail);
    throw new Refused(body, answer.status);
  }

  /** Whose session this is, with its token; throws `offline` or `login`. */
  const session = () => ask("/api/v1/session", {});

  const headers = (who, key, more = {}) => ({ "X-CSRF-Token": who.csrf, "Idempotency-Key": key, "X-Sent-At": String(Date.now()), ...more });
  const post = (path, who, key, body) => ask(path, { method: "POST", headers: headers(who, key, { "Content-Type": "application/json" }), body: JSON.stringify(body) });

  /* Each picture once; its id at the hub is kept, so that what names it stays the same however often it is sent. */
  async function bring(draft, who) {
    for (const picture of draft.pictures) {
      if (picture.attachment) continue;
      let taken;
      try {
        taken = await ask("/api/v1/attachments", { method: "POST", headers: headers(who, picture.id, { "Content-Type": "application/octet-stream" }), body: picture.blob });
      } catch (error) {
        // Too many wait at the hub: not this picture's fault.
        if (error instanceof Refused && error.status === 409) throw new Later("pictures", error.message);
        throw error;
      }
      picture.attachment = taken.attachment_id;
      await update(draft);
    }
    return draft.pictures.map((picture) => picture.attachment);
  }

  async function report(draft, who) {
    const { title, text, place, area, severity, handled, result } = draft.fields;
    if (!draft.case) {
      const body = { title, text, place, severity: severity || "normal", occurred_at: draft.occurred_at, attachments: await bring(draft, who) };
      if (area) body.area = area;
      if (draft.at) { body.latitude = draft.at.latitude; body.longitude = draft.at.longitude; }
      draft.case = (await post("/api/v1/cases", who, draft.id, body)).number;
      await update(draft);
    }
    if (handled) await post(`/api/v1/cases/${draft.case}/moves`, who, draft.close, { move: "handle_here", result, occurred_at: draft.occurred_at });
    return draft.case;
  }

  async function move(draft, who) {
    const { note, result, reason, agrees } = draft.fields;
    const body = { move: draft.kind, position: draft.position, occurred_at: draft.occurred_at };
    if (draft.kind === "check") Object.assign(body, { agrees: agrees === "1", note });
    if (draft.kind === "handle_here") body.result = result;
    if (draft.kind === "pass_up") body.reason = reason;
    if (draft.kind !== "pass_up") body.attachments = await bring(draft, who);
    return (await post(`/api/v1/cases/${draft.number}/moves`, who, draft.id, body)).number;
  }

  /* 签到, 转他人, 接下, 交流: nothing of the case's own has to be as it was. */
  const DEEDS = ["arrive", "hand", "take", "say"];
  async function deed(draft, who) {
    const { to, note, text } = draft.fields;
    const body = { act: draft.kind, occurred_at: draft.occurred_at };
    if (draft.kind === "arrive" && draft.at) Object.assign(body, { latitude: draft.at.latitude, longitude: draft.at.longitude, accuracy: draft.at.accuracy });
    if (draft.kind === "hand") Object.assign(body, { to, note: note ?? "" });
    if (draft.kind === "say") body.text = text;
    return (await post(`/api/v1/cases/${draft.number}/field`, who, draft.id, body)).number;
  }

  /* What waited at the hub for longer than a day is gone there, and is brought anew. Once: else it is the draft's fault. */
  async function one(draft, who) {
    const make = draft.kind === "report" ? report : DEEDS.includes(draft.kind) ? deed : move;
    try { return await make(draft, who); } catch (error) {
      const gone = error instanceof Refused && error.status === 422 && /there is no picture/.test(error.message);
      if (!gone || !draft.pictures.length) throw error;
      for (const picture of draft.pictures) picture.attachment = null;
      return make(draft, who);
    }
  }

  /* Sends what waits of whoever is logged in. Tells each step; what it returns says why it stopped. */
  async function sendAll(tell) {
    let who;
    try { who = await session(); } catch (error) { return error instanceof Later ? error.why : "busy"; }
    let held = false;
    for (const { id, status } of await all(who.name)) {
      if (status !== "waiting") continue;
      const draft = await get(id);
      if (!draft || draft.status !== "waiting") continue;
      if (draft.held > Date.now()) { held = true; continue; }
      tell({ what: "sending", id });
      try {
        const number = await one(draft, who);
        await settle(draft, (target) => target.delete(id));
        tell({ what: "sent", id, number, kind: draft.kind });
      } catch (error) {
        if (error instanceof Changed) continue;
        if (!(error instanceof Refused)) { tell({ what: "stopped", id, why: error.why ?? "busy", word: error.word ?? "" }); return error.why ?? "busy"; }
        draft.status = "refused";
        draft.reused = /^Idempotency-Key/.test(error.message);
        draft.why = { zh: error.problem?.detail_zh ?? error.message, en: error.message, status: error.status };
        await update(draft).catch(() => {});
        tell({ what: "refused", id });
      }
    }
    return held ? "held" : "done";
  }

  /** The same by one at a time, whether the page sends or the worker. */
  async function send(tell = () => {}) {
    if (!self.navigator?.locks) return sendAll(tell);
    return navigator.locks.request(LOCK, () => sendAll(tell));
  }

  self.ShaodianDrafts = { all, get, put, update, remove, send, session, MOST_DRAFTS, MOST_PICTURES };
})();
