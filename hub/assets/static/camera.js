// The page of a camera, which works without any of this: what the fields say is drawn over the picture, and what is drawn is
// written into the fields. Every point is a handle that takes the focus. What is typed is kept by the hub as a draft, and
// parts that the hub changes are replaced around the form, never in it.
import { hubNow } from "./clock.js";
import { area, crossing, middle, parse, write } from "./camera-outline.js";
import { here, isLogin, later, read, toLogin } from "./work.js";

const $ = (id) => document.getElementById(id);
const form = $("watch"), drawing = $("drawing"), stage = $("stage"), list = $("shapes");
const mayDraw = form?.dataset.may === "true";
const NS = "http://www.w3.org/2000/svg";
const STEP = 0.01, BIG_STEP = 0.1, NEAR_PX = 12;
let size = [1600, 900], tool = "select", selected = null, fresh = null, cursor = null;
const undone = [];

/* The shapes of the form. */
const shapes = () => [...list.querySelectorAll("[data-list] > .shape:not(.is-gone)")];
const field = (shape) => shape.querySelector("[data-points]");
const pointsOf = (shape) => parse(field(shape).value) ?? [];
const nameOf = (shape) => shape.querySelector("input[name$='.id']")?.value ?? "";
const isLine = (kind) => kind === "line";

function put(shape, points, remember = true) {
  const input = field(shape), former = input.value, text = write(points);
  if (text === former) return;
  if (remember) undone.push(() => { input.value = former; changed(input); });
  input.value = text;
  changed(input);
}
function changed(input) { input.dispatchEvent(new Event("input", { bubbles: true })); }

/* What is wrong with an outline, beside its fields. */
function judge(shape) {
  const kind = shape.dataset.shape, text = field(shape).value, points = parse(text), words = list.dataset;
  let wrong = "";
  if (points === null) wrong = words.form;
  else if (isLine(kind)) wrong = points.length === 2 ? "" : words.line;
  else if (points.length < 3) wrong = words.few;
  else if (crossing(points)) wrong = words.cross;
  const line = shape.querySelector("[data-check]");
  line.textContent = wrong;
  line.hidden = wrong === "";
  const share = shape.querySelector("[data-share]");
  if (share) share.textContent = !wrong && !isLine(kind) ? `${words.area} ${Math.round(area(points) * 100)} %` : "";
  return wrong;
}

/* Drawing. */
const px = (p) => [p[0] * size[0], p[1] * size[1]];
function add(name, attributes, parent = drawing) {
  const el = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  parent.append(el);
  return el;
}
const joined = (points) => points.map((p) => px(p).join(",")).join(" ");

function handle(shape, at, point, all) {
  const [x, y] = px(point), name = shape ? nameOf(shape) : "";
  const el = add("circle", { class: "h", cx: x, cy: y, r: 11, tabindex: 0, role: "button", "aria-label": `${drawing.dataset.point} ${at + 1}/${all} ${name} ${point.map((v) => Math.round(v * 100)).join(",")}` });
  el.dataset.at = at;
  return el;
}

function draw() {
  const focus = document.activeElement?.closest?.("#drawing") ? document.activeElement : null;
  const wasAt = focus?.dataset.at, wasShape = focus?.dataset.of;
  drawing.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
  drawing.replaceChildren();
  for (const [nth, shape] of shapes().entries()) {
    const kind = shape.dataset.shape, points = pointsOf(shape), on = shape === selected;
    shape.classList.toggle("is-on", on);
    if (points.length < 2) continue;
    const el = add(isLine(kind) ? "polyline" : "polygon", { class: `z z--${kind}${on ? " is-on" : ""}${judge(shape) ? " is-wrong" : ""}`, points: joined(points) });
    el.dataset.of = nth;
    if (mayDraw) { el.setAttribute("tabindex", 0); el.setAttribute("role", "button"); el.setAttribute("aria-label", `${shape.querySelector("legend").textContent.trim()} ${nameOf(shape)}`); }
    if (isLine(kind) && points.length === 2) arrow(points);
    if (nameOf(shape)) { const [x, y] = px(points[0]); add("text", { class: "zl", x: Math.min(x + 14, size[0] - 200), y: Math.max(y - 12, 30) }).textContent = nameOf(shape); }
  }
  if (selected && mayDraw) {
    const points = pointsOf(selected), closed = !isLine(selected.dataset.shape);
    if (closed && points.length >= 3 && points.length < 64) {
      for (const [at, point] of points.entries()) {
        const [x, y] = px(middle(point, points[(at + 1) % points.length]));
        add("circle", { class: "h h--mid", cx: x, cy: y, r: 7 }).dataset.mid = at;
      }
    }
    for (const [at, point] of points.entries()) handle(selected, at, point, points.length);
  }
  if (fresh) {
    if (fresh.points.length) add("polyline", { class: "z z--new", points: joined(cursor ? [...fresh.points, cursor] : fresh.points) });
    for (const [at, point] of fresh.points.entries()) { const [x, y] = px(point); add("circle", { class: "h", cx: x, cy: y, r: at ? 7 : 11 }); }
    if (cursor) { const el = handle(null, fresh.points.length, cursor, fresh.points.length + 1); el.dataset.at = "cursor"; el.focus({ preventScroll: true }); }
  }
  drawing.classList.toggle("is-drawing", fresh !== null);
  if (wasAt !== undefined && !fresh) drawing.querySelector(`[data-at="${wasAt}"]`)?.focus({ preventScroll: true });
  else if (wasShape !== undefined) drawing.querySelector(`[data-of="${wasShape}"]`)?.focus({ preventScroll: true });
}

/* Forward goes from the line's left hand to its right, as seen from its first point. */
function arrow([a, b]) {
  const [ax, ay] = px(a), [bx, by] = px(b), length = Math.hypot(bx - ax, by - ay) || 1;
  const [dx, dy] = [(bx - ax) / length, (by - ay) / length], [mx, my] = [(ax + bx) / 2, (ay + by) / 2];
  const tip = [mx - dy * 34, my + dx * 34], foot = (sign) => [mx + sign * dx * 12, my + sign * dy * 12];
  add("polygon", { class: "way", points: [foot(1), foot(-1), tip].map((p) => p.join(",")).join(" ") });
}

/* Fields of a new shape or rule, from their template. */
const next = {};
function fields(kind) {
  const template = $(`new-${kind}`), html = template.innerHTML, base = html.match(new RegExp(`name="${kind}\\.(\\d+)\\.`))[1];
  next[kind] = Math.max(next[kind] ?? Number(base), Number(base)) + 1;
  const holder = document.createElement("template");
  holder.innerHTML = html.replaceAll(`${kind}.${base}.`, `${kind}.${next[kind]}.`).replaceAll(`id="${kind}-${base}"`, `id="${kind}-${next[kind]}"`).replaceAll(`id="set-${base}"`, `id="set-${next[kind]}"`);
  const el = holder.content.firstElementChild;
  for (const gone of el.querySelectorAll(".shape__gone")) gone.hidden = false;
  (kind === "rule" ? $("rules") : list.querySelector(`[data-list="${kind}"]`)).append(el);
  return el;
}

function finish() {
  const { kind, points } = fresh;
  if (points.length < (isLine(kind) ? 2 : 3)) return;
  const shape = fields(kind), id = shape.querySelector("input[name$='.id']");
  if (id) {
    const taken = shapes().map(nameOf);
    let nth = 1;
    while (taken.includes(`${kind}-${nth}`)) nth++;
    id.value = `${kind}-${nth}`;
  }
  put(shape, isLine(kind) ? points.slice(0, 2) : points, false);
  undone.push(() => remove(shape, false));
  choose("select");
  select(shape);
}

function remove(shape, remember = true) {
  const mark = shape.querySelector("[data-gone]");
  mark.checked = true;
  shape.classList.add("is-gone");
  if (selected === shape) selected = null;
  if (remember) undone.push(() => { mark.checked = false; shape.classList.remove("is-gone"); changed(mark); });
  changed(mark);
}

function select(shape) { selected = shape; draw(); }
function choose(name) {
  tool = name;
  fresh = name === "select" ? null : { kind: name, points: [] };
  cursor = null;
  if (fresh) selected = null;
  for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  draw();
}
function place(point) {
  fresh.points.push(point);
  if (isLine(fresh.kind) && fresh.points.length === 2) finish(); else draw();
}

/* Mouse, pen and finger. */
function where(event) {
  const box = drawing.getBoundingClientRect(), share = (v) => Math.min(1, Math.max(0, v));
  return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
}
function isNear(event, point) {
  const box = drawing.getBoundingClientRect();
  return Math.hypot(event.clientX - box.left - point[0] * box.width, event.clientY - box.top - point[1] * box.height) < NEAR_PX;
}
let drag = null;
function down(event) {
  if (event.button !== 0) return;
  const target = event.target;
  if (fresh) {
    event.preventDefault();
    const first = fresh.points[0];
    if (first && fresh.points.length >= 3 && isNear(event, first)) finish(); else place(where(event));
    return;
  }
  if (target.dataset.mid !== undefined) {
    const points = pointsOf(selected), at = Number(target.dataset.mid) + 1;
    points.splice(at, 0, where(event));
    put(selected, points);
    draw();
    drag = { at, first: false };
  } else if (target.dataset.at !== undefined) {
    target.focus({ preventScroll: true });
    drag = { at: Number(target.dataset.at), first: true };
  } else {
    select(target.dataset.of === undefined ? null : shapes()[Number(target.dataset.of)]);
    return;
  }
  event.preventDefault();
  drawing.setPointerCapture(event.pointerId);
}
function moved(event) {
  if (!drag || !selected) return;
  const points = pointsOf(selected);
  points[drag.at] = where(event);
  put(selected, points, drag.first);
  drag.first = false;
  draw();
}

/* Keys on the drawing; single letters are the page's. */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const shifted = (point, [dx, dy], by) => [point[0] + dx * by, point[1] + dy * by].map((v) => Math.min(1, Math.max(0, v)));
function key(event) {
  if (event.ctrlKey || event.metaKey) {
    if (event.key.toLowerCase() === "z" && !event.target.matches("input, textarea, select") && undone.length) { event.preventDefault(); undo(); }
    return;
  }
  if (event.altKey || event.isComposing || $("keys").open) return;
  const inDrawing = event.target.closest?.("#drawing"), done = () => { event.preventDefault(); event.stopPropagation(); };
  if (event.key === "Escape" && !event.target.matches("input, textarea, select")) {
    if (fresh) { done(); if (fresh.points.pop() === undefined) choose("select"); else draw(); return; }
    if (selected) { done(); select(null); return; }
  }
  if (fresh && (inDrawing || event.target === document.body || event.target.dataset.tool)) {
    if (ARROWS[event.key]) { done(); cursor = shifted(cursor ?? fresh.points.at(-1) ?? [0.5, 0.5], ARROWS[event.key], event.shiftKey ? BIG_STEP : STEP); draw(); return; }
    if (event.key === " " && cursor) { done(); place(cursor); return; }
    if (event.key === "Enter" && fresh.points.length) { done(); finish(); return; }
  }
  if (!inDrawing) return;
  const at = event.target.dataset.at, of = event.target.dataset.of;
  if (selected && at !== undefined && at !== "cursor") {
    const points = pointsOf(selected);
    if (ARROWS[event.key]) { done(); points[at] = shifted(points[at], ARROWS[event.key], event.shiftKey ? BIG_STEP : STEP); put(selected, points); draw(); return; }
    if (event.key === "Delete" || event.key === "Backspace") {
      done();
      if (!isLine(selected.dataset.shape) && points.length > 3) { points.splice(Number(at), 1); put(selected, points); } else remove(selected);
      draw();
      return;
    }
  }
  if (of !== undefined) {
    const shape = shapes()[Number(of)];
    if (event.key === "Enter" || event.key === " ") { done(); select(shape); drawing.querySelector("[data-at]")?.focus({ preventScroll: true }); }
    if (event.key === "Delete" || event.key === "Backspace") { done(); remove(shape); draw(); }
  }
}
function undo() { undone.pop()?.(); draw(); }

/* Fields that mean nothing for a kind are not offered, and not sent. */
function fit(rule) {
  const kind = rule.querySelector("[data-kind]"), option = kind.selectedOptions[0], looks = option?.dataset.looks;
  const means = { zone: looks === "zone", line: looks === "line", things: looks && looks !== "picture", dwell: Boolean(option?.dataset.dwell), count: option?.dataset.counts === "true" };
  for (const label of rule.querySelectorAll("[data-for]")) {
    const input = label.querySelector("input, select"), fits = !looks || means[label.dataset.for];
    // What is written there all the same is shown, to be taken out.
    label.hidden = !fits && input.value === "";
    input.disabled = !fits && input.value === "";
  }
  const dwell = rule.querySelector("[data-for=dwell] input"), things = rule.querySelector("[data-things]");
  if (option?.dataset.dwell) dwell.placeholder = `${dwell.dataset.usual} ${option.dataset.dwell}`;
  if (looks) things.placeholder = option.dataset.labels;
}

/* The draft is kept by the hub, and the count of what it changes comes from there. */
let timer = null, dirty = false;
async function keep() {
  timer = null;
  const body = new URLSearchParams(new FormData(form));
  body.set("command", "draft");
  const answer = await fetch(form.getAttribute("action"), { method: "POST", credentials: "same-origin", headers: { "hx-request": "true" }, body });
  if (isLogin(answer)) { toLogin(); return; }
  if (!answer.ok) return;
  dirty = timer !== null;
  const page = new DOMParser().parseFromString(await (await read(here)).text(), "text/html"), count = page.getElementById("n-changes");
  if (!count) return;
  $("n-changes").textContent = count.textContent;
  $("n-changes").parentElement.className = count.parentElement.className;
}
function typed(event) {
  if (event.target.name === "purpose" || event.target.name === "reason") return;
  dirty = true;
  clearTimeout(timer);
  timer = setTimeout(() => later("draft", keep), 2000);
  const rule = event.target.closest(".rule"), shape = event.target.closest(".shape");
  if (rule) { rule.classList.toggle("is-gone", Boolean(rule.querySelector("[data-gone]")?.checked)); if (event.target.matches("[data-kind]")) fit(rule); }
  if (shape) { shape.classList.toggle("is-gone", shape.querySelector("[data-gone]").checked); judge(shape); draw(); names(); }
}
function names() {
  for (const kind of ["zone", "line"]) {
    const options = shapes().filter((s) => s.dataset.shape === kind).map(nameOf).filter(Boolean).map((id) => Object.assign(document.createElement("option"), { value: id }));
    $(`${kind}-ids`).replaceChildren(...options);
  }
}

/* What the hub has changed around the form. */
function look() {
  picture();
  if (!form) {
    // Read for the first time: what can be changed stands around the parts that the hub replaces.
    if (document.querySelector("[data-based-on][data-known]")) location.replace(here);
    return;
  }
  const now = document.querySelector("[data-based-on]")?.dataset.basedOn;
  if (now === undefined || now === form.elements.based_on.value) return;
  if (!dirty && !form.contains(document.activeElement)) location.replace(here); else $("moved").hidden = false;
}
function picture() {
  const still = $("still");
  if (!still || still.dataset.seen !== undefined) return;
  still.dataset.seen = "";
  const shape = () => {
    if (!still.naturalWidth) return;
    stage.style.aspectRatio = `${still.naturalWidth} / ${still.naturalHeight}`;
    size = [1600, 1600 * still.naturalHeight / still.naturalWidth];
    if (form) draw();
  };
  still.addEventListener("load", shape);
  shape();
}

async function walk() {
  const until = Number(document.querySelector("[data-walk-until]")?.dataset.walkUntil ?? 0), walking = $("walk");
  if (!walking || document.hidden || hubNow() > until + 15_000) return;
  const body = new URLSearchParams(new FormData(walking));
  body.set("command", "look");
  const answer = await fetch(walking.getAttribute("action"), { method: "POST", credentials: "same-origin", headers: { "hx-request": "true" }, body });
  if (isLogin(answer)) toLogin();
}
setInterval(() => { walk().catch(() => {}); }, 10_000);

if (form) {
  draw();
  if (mayDraw) {
    for (const el of document.querySelectorAll(".tools-draw")) el.hidden = false;
    drawing.addEventListener("pointerdown", down);
    drawing.addEventListener("pointermove", moved);
    for (const end of ["pointerup", "pointercancel"]) drawing.addEventListener(end, () => { drag = null; });
    for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => choose(tool === button.dataset.tool ? "select" : button.dataset.tool));
    $("undo").addEventListener("click", undo);
    $("add-rule").addEventListener("click", () => { const rule = fields("rule"); fit(rule); rule.querySelector("input[name$='.id']").focus(); });
    addEventListener("keydown", key, true);
    form.addEventListener("input", typed);
    form.addEventListener("change", (event) => { if (event.target.matches("select, [type=checkbox]")) typed(event); });
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent !== undefined) { event.preventDefault(); return; }
      form.dataset.sent = "";
      clearTimeout(timer);
    });
    addEventListener("pageshow", () => { delete form.dataset.sent; });
    list.addEventListener("focusin", (event) => { const shape = event.target.closest(".shape"); if (shape && shape !== selected && !fresh) select(shape); });
    for (const rule of document.querySelectorAll("#rules .rule")) fit(rule);
  }
}
new MutationObserver(look).observe(document.querySelector("main"), { childList: true, subtree: true });
look();
$("refused")?.focus();
