// Maps: open cases where they lie, grids with how many each has, boxes, a place that somebody points at. MapLibre draws; all
// of it comes from this hub. What a map shows stands in a list beside it too: without script, WebGL or a mouse nothing is
// missing. The camera is the person's: once somebody has moved it, nothing else does.
import { select } from "./keys.js";
import { addIcons, MOST_PINS } from "./map-icons.js";
import { baseMap, hasWebGl, maplibre } from "./map-library.js";
import { FLAT, nothing, palette, RAISED, style } from "./map-style.js";
import { later, read } from "./work.js";

const SEVERITIES = ["emergency", "major", "normal", "notice"];
/** Cases are read at most four times a second, however much happens. */
const PAUSE_MS = 250;
/** Boxes change seldom and wake nobody. */
const BOXES_MS = 30_000;
const MOST_ZOOM = 19, PLACE_ZOOM = 16;
/** Cases of one place that are listed on the map; the list beside it has all. */
const MOST_LISTED = 20;
const zh = document.documentElement.lang.startsWith("zh");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* Room for the buttons above and the legend below. */
const PADDING = { top: 46, bottom: 46, left: 24, right: 24 };
const numbers = (text) => (text ?? "").split(",").map(Number);
function bounded(points) {
  const x = points.map((p) => p[0]), y = points.map((p) => p[1]);
  return points.length ? [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)] : null;
}
/* As high as makes a busy grid stand out, whatever the map's size. */
function heightOfOne(bounds) {
  if (!bounds) return 40;
  const width_m = (bounds[2] - bounds[0]) * 111_320 * Math.cos(bounds[1] * Math.PI / 180);
  return Math.min(1_500, Math.max(15, width_m / 45));
}
const points = (features) => ({ type: "FeatureCollection", features });
const point = (lon, lat, properties) => ({ type: "Feature", properties, geometry: { type: "Point", coordinates: [lon, lat] } });

let serial = 0;
const mounted = new Set();

/** One map in one element. Made by `mountMap`. */
class MapBox {
  constructor(el, options) {
    const words = el.dataset, place = words.point ? numbers(words.point) : null;
    Object.assign(this, { el, words, place, options: { grids: true, cases: !options.pick && !place, ...options } });
    this.id = serial += 1;
    this.selected = options.selected ?? null;
    this.pins = options.candidates ?? [];
    this.touched = this.dirty = false;
    this.cases = nothing();
    this.counts = new Map();
    this.canvas = document.createElement("div");
    this.canvas.className = "map__canvas";
    el.prepend(this.canvas);
    el.dataset.mounted = "";
    this.note = el.querySelector("[data-note]") ?? el.appendChild(Object.assign(document.createElement("p"), { className: "map__note", hidden: true }));
  }

  say(text) {
    this.note.textContent = text ?? "";
    this.note.hidden = !text;
  }

  /** There is no map, and why; the list says the same. */
  none(why) {
    this.el.classList.add("map--none");
    this.canvas.remove();
    this.say(why);
  }

  async begin() {
    this.say(this.words.loading);
    if (!hasWebGl()) { this.none(this.words.noWebgl); return; }
    try { this.gl = await maplibre(); } catch { this.none(this.words.noLibrary); return; }
    let base = null;
    if (this.words.basemap) {
      try { base = await baseMap(this.gl, this.words.basemap); } catch { this.lasting = this.words.noBase; }
    }
    if (!this.el.isConnected) return;
    try { this.draw(base); } catch { this.none(this.words.noWebgl); }
  }

  /** West, south, east, north of what the whole map is. */
  bounds() {
    if (this.pins.length) return bounded(this.pins.map((one) => [one.lon, one.lat]));
    return this.words.bounds ? numbers(this.words.bounds) : bounded(this.cases.features.map((one) => one.geometry.coordinates));
  }

  draw(base) {
    const { el, words } = this, bounds = this.bounds();
    const colours = palette(el);
    const camera = this.place ? { center: this.place, zoom: PLACE_ZOOM } : bounds ? { bounds, fitBoundsOptions: { padding: PADDING, maxZoom: 17 } } : { center: [105, 35], zoom: 3 };
    // On a page that is drawn larger (tokens.css) the map is as sharp as the screen, not as its own measure.
    const zoomed = Number(getComputedStyle(document.documentElement).getPropertyValue("--screen-zoom")) || 1;
    this.map = new this.gl.Map({
      ...(zoomed > 1 ? { pixelRatio: zoomed * devicePixelRatio } : {}),
      container: this.canvas, style: style({ colours, base, zh, unit_m: heightOfOne(words.bounds ? numbers(words.bounds) : bounds) }),
      ...camera, maxZoom: MOST_ZOOM, maxPitch: 60, attributionControl: false, localIdeographFontFamily: colours.fonts,
      // A small map in a long page leaves the wheel and one finger to the page.
      scrollZoom: words.map !== "case",
      cooperativeGestures: !["page", "pick"].includes(words.map) && matchMedia("(pointer: coarse)").matches,
      locale: {
        "Map.Title": words.lead ?? "", "CooperativeGesturesHandler.MobileHelpText": words.twoFingers ?? "",
        "CooperativeGesturesHandler.WindowsHelpText": words.twoFingers ?? "", "CooperativeGesturesHandler.MacHelpText": words.twoFingers ?? "",
      },
    });
    if (base?.credit) el.append(Object.assign(document.createElement("p"), { className: "map__credit", textContent: base.credit }));
    this.map.on("error", (event) => { if (event.sourceId === "base") { this.lasting = words.noBase; this.settle(); } });
    // Only what a hand does has an event of its own.
    this.map.on("movestart", (event) => { if (event.originalEvent) { this.touched = true; this.hide(); } });
    this.map.on("load", () => this.loaded(colours));
  }

  loaded(colours) {
    const { el, map, options } = this;
    addIcons(map, colours);
    for (const part of el.querySelectorAll(".map__acts, .map__legend, [data-hint]")) part.hidden = false;
    el.addEventListener("click", (event) => { const act = event.target.closest("[data-act]")?.dataset.act; if (act) this.act(act); });
    el.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.pop) { event.preventDefault(); this.hide(); map.getCanvas().focus(); } });
    if (this.place) this.put("pins", points([point(...this.place, { icon: "pin" })]));
    if (options.pick) this.picking(); else this.pointing();
    if (options.threeD) this.raise(true, 0);
    this.showPins();
    if (options.grids && this.words.grids !== undefined) later(`map-${this.id}-grids`, () => this.tried(() => this.readGrids()));
    if (options.cases) this.lookAgain();
    this.ready = true;
    this.settle();
  }

  put(source, data) { this.map.getSource(source)?.setData(data); }

  /** What there is to say, now that there is a map. */
  settle() {
    const cut = this.cases.truncated ? `${this.words.cut} ${this.cases.features.length} ${this.words.cases}` : "";
    this.say(this.failed ? this.words.noData : this.lasting ?? cut);
  }

  /* What fails is said, and tried again (`later`). */
  async tried(job) {
    if (!this.map || !this.el.isConnected) return;
    try { await job(); this.failed = false; } catch (error) { this.failed = true; this.settle(); throw error; }
    this.settle();
  }

  query() { return this.words.severity ? `?severity=${encodeURIComponent(this.words.severity)}` : ""; }

  async readGrids() {
    const grids = await (await read(`/api/v1/map/grids${this.query()}`)).json();
    this.put("grids", grids);
    const named = grids.features.filter((one) => one.properties.middle);
    this.put("names", points(named.map((one) => point(...one.properties.middle, one.properties))));
    this.ids = new Set(grids.features.map((one) => one.properties.id));
    this.counts.clear();
    this.count(new Map(grids.features.map((one) => [one.properties.id, one.properties.open])));
    this.mark();
  }

  /** How many open cases each area has; those that are not named have none. */
  count(open) {
    this.open = open;
    for (const id of this.ids ?? []) {
      const now = open.get(id) ?? 0;
      if ((this.counts.get(id) ?? 0) === now) continue;
      this.counts.set(id, now);
      this.map.setFeatureState({ source: "grids", id }, { open: now });
    }
  }

  lookAgain() {
    if (!this.options.cases || !this.map) return;
    // Nobody looks: once is enough when somebody does.
    if (document.hidden) { this.dirty = true; return; }
    later(`map-${this.id}`, () => this.tried(() => this.look()));
  }

  async look() {
    const wait = PAUSE_MS - (performance.now() - (this.lastLook ?? -Infinity));
    if (wait > 0) await sleep(wait);
    this.lastLook = performance.now();
    const cases = await (await read(`/api/v1/map/cases${this.query()}`)).json();
    for (const one of cases.features) one.properties.rank = Math.max(0, SEVERITIES.indexOf(one.properties.severity));
    const first = this.cases.features.length === 0;
    this.cases = cases;
    this.put("cases", cases);
    this.count(new Map(cases.open.map((one) => [one.area, one.open])));
    this.mark();
    // Without grids the cases themselves say where the map is.
    if (first && !this.words.bounds && !this.touched && cases.features.length) this.whole(0);
  }

  /** Marks a case, by its number; nothing takes the mark away. */
  select(number) {
    if (number === this.selected) return;
    this.selected = number;
    if (!this.ready) return;
    const at = this.mark()?.geometry.coordinates;
    if (at && !this.touched && !this.map.getBounds().contains(at)) this.map.easeTo({ center: at });
  }

  mark() {
    const chosen = this.cases.features.find((one) => one.properties.number === this.selected);
    this.put("chosen", points(chosen ? [chosen] : []));
    if (this.map.getLayer("grid-chosen")) this.map.setFilter("grid-chosen", ["==", ["get", "id"], chosen?.properties.area ?? ""]);
    return chosen;
  }

  act(act) {
    const { map } = this;
    if (act === "in" || act === "out") { this.touched = true; this.hide(); if (act === "in") map.zoomIn(); else map.zoomOut(); }
    if (act === "whole") { this.touched = false; this.hide(); this.whole(); }
    if (act === "3d") this.raise(!this.raised, this.words.map === "screen" ? 2_400 : 700);
    if (act === "boxes") this.showBoxes(!this.boxes);
  }

  whole(duration) {
    const bounds = this.bounds(), calm = duration === undefined ? {} : { duration };
    if (this.place) this.map.easeTo({ center: this.place, zoom: PLACE_ZOOM, pitch: 0, bearing: 0, ...calm });
    else if (bounds) this.map.fitBounds(bounds, { padding: PADDING, maxZoom: 17, pitch: this.raised ? 52 : 0, bearing: this.raised ? -18 : 0, ...calm });
  }

  /** 3D, or flat again. */
  raise(on, duration) {
    this.raised = on;
    this.press("3d", on);
    const show = (id, is) => { if (this.map.getLayer(id)) this.map.setLayoutProperty(id, "visibility", is ? "visible" : "none"); };
    for (const id of RAISED) show(id, on);
    for (const id of FLAT) show(id, !on);
    this.map.easeTo({ pitch: on ? 52 : 0, bearing: on ? -18 : 0, duration });
  }

  press(act, on) { this.el.querySelector(`[data-act="${act}"]`)?.setAttribute("aria-pressed", String(on)); }

  showBoxes(on) {
    this.boxes = on;
    this.press("boxes", on);
    for (const id of ["boxes", "box-counts"]) this.map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
    clearInterval(this.clock);
    this.lasting = undefined;
    this.settle();
    if (!on) return;
    const look = () => later(`map-${this.id}-boxes`, () => this.tried(async () => {
      const boxes = await (await read("/api/v1/map/boxes")).json();
      this.put("boxes", boxes);
      this.lasting = boxes.features.length ? undefined : this.words.noBoxes;
    }));
    this.clock = setInterval(() => { if (!document.hidden) look(); }, BOXES_MS);
    look();
  }

  /* A click on a case selects its row, where there is one, and names it with the way to its page. */
  pointing() {
    const { map } = this;
    for (const layer of ["cases", "chosen"]) {
      map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
      map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
    }
    map.on("click", async (event) => {
      this.hide();
      const near = [[event.point.x - 6, event.point.y - 6], [event.point.x + 6, event.point.y + 6]];
      const found = map.queryRenderedFeatures(near, { layers: ["cases", "chosen"] });
      if (!found.length) return;
      const group = found.find((one) => one.properties.cluster);
      if (!group) {
        const seen = new Map(found.map((one) => [one.properties.number, one.properties]));
        this.list([...seen.values()], event.point);
        return;
      }
      const source = map.getSource("cases"), id = group.properties.cluster_id;
      const zoom = await source.getClusterExpansionZoom(id);
      if (zoom <= MOST_ZOOM) { this.touched = true; map.easeTo({ center: group.geometry.coordinates, zoom }); return; }
      const all = await source.getClusterLeaves(id, MOST_LISTED, 0);
      this.list(all.map((one) => one.properties), event.point);
    });
  }

  list(cases, at) {
    const { words } = this, names = (words.severities ?? "").split("|");
    const pop = document.createElement("div"), close = document.createElement("button"), list = document.createElement("ul");
    pop.className = "map__pop panel";
    pop.setAttribute("role", "group");
    pop.setAttribute("aria-label", words.here);
    close.className = "btn btn--quiet";
    close.type = "button";
    close.textContent = words.close;
    close.addEventListener("click", () => { this.hide(); this.map.getCanvas().focus(); });
    cases.sort((a, b) => a.rank - b.rank);
    for (const one of cases) {
      const item = document.createElement("li"), sev = document.createElement("span"), link = document.createElement("a"), more = document.createElement("p");
      sev.className = `sev p${one.rank + 1}`;
      sev.textContent = names[one.rank] ?? "";
      link.href = `/cases/${encodeURIComponent(one.number)}`;
      link.textContent = zh ? one.title : one.title_en;
      more.className = "muted xs";
      more.textContent = [one.number, one.place, one.acknowledged ? words.held : words.waits].filter(Boolean).join(" · ");
      item.append(sev, " ", link, more);
      list.append(item);
    }
    pop.append(list, close);
    this.el.append(pop);
    this.pop = pop;
    pop.style.left = `${Math.max(4, Math.min(at.x + 12, this.el.clientWidth - pop.offsetWidth - 4))}px`;
    pop.style.top = `${Math.max(4, Math.min(at.y + 12, this.el.clientHeight - pop.offsetHeight - 4))}px`;
    if (cases.length !== 1) return;
    const row = document.querySelector(`.jk[data-number="${CSS.escape(cases[0].number)}"]`);
    if (row) select(row); else this.select(cases[0].number);
  }

  hide() {
    this.pop?.remove();
    this.pop = null;
  }

  /* Pointing at a place: a click, or Enter for the middle of the map. */
  picking() {
    const { map } = this, canvas = map.getCanvas();
    canvas.style.cursor = "crosshair";
    this.el.classList.add("map--picks");
    map.on("click", (event) => {
      const pin = map.queryRenderedFeatures(event.point, { layers: ["pins"] }).find((one) => one.properties.at >= 0);
      if (pin) this.pickCandidate(pin.properties.at); else this.pickAt(event.lngLat.lat, event.lngLat.lng);
    });
    canvas.addEventListener("keydown", (event) => {
      // Ctrl Enter files the ticket, wherever the focus is.
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const middle = map.getCenter();
      this.pickAt(middle.lat, middle.lng);
    });
  }

  /** Takes one of the candidates, by its place among them. */
  pickCandidate(at) {
    const one = this.pins[at];
    return one ? this.pickAt(one.lat, one.lon, one) : Promise.resolve();
  }

  /** Takes a point: whose ground it is is asked of the hub, then `onPick` is told. */
  async pickAt(lat, lon, candidate = null) {
    this.picked = candidate ? null : { lat, lon };
    this.showPins();
    if (this.ready && !this.touched && !this.map.getBounds().contains([lon, lat])) this.map.easeTo({ center: [lon, lat] });
    const asked = this.asked = Symbol("the last one counts");
    let ground = null;
    try { ground = await (await read(`/api/v1/map/at?lat=${lat.toFixed(7)}&lon=${lon.toFixed(7)}`)).json(); } catch { this.say(this.words.noData); }
    if (this.asked !== asked) return;
    const name = (area) => zh ? area.name : area.name_en;
    if (ground) this.say(ground.grid ? `${this.words.picked ?? ""} ${ground.chain.map(name).join(" / ")}` : this.words.outside);
    const grid = ground?.grid ? { id: ground.grid, name: zh ? ground.name : ground.name_en, chain: ground.chain } : null;
    this.options.onPick?.({ lat, lon, grid, candidate });
  }

  /** Other places that may be meant: `[{ id, name, lat, lon }]`, the best first. */
  candidates(list) {
    this.pins = list.filter((one) => Number.isFinite(one.lat) && Number.isFinite(one.lon));
    if (!this.ready) return;
    this.showPins();
    if (!this.touched && this.pins.length) this.whole();
  }

  showPins() {
    if (this.place || !this.map) return;
    const all = this.pins.map((one, at) => point(one.lon, one.lat, { icon: at < MOST_PINS ? `pin-${at + 1}` : "pin", at }));
    if (this.picked) all.push(point(this.picked.lon, this.picked.lat, { icon: "pin", at: -1 }));
    this.put("pins", points(all));
  }

  remove() {
    clearInterval(this.clock);
    this.map?.remove();
    this.map = null;
    this.ready = this.options.cases = false;
    mounted.delete(this);
  }
}

/** Puts a map into an element (`map_box.html`). `options`: `grids` and `cases` (off: not drawn), `threeD`, `selected` (number
    of a case), `pick` with `candidates` and `onPick({ lat, lon, grid, candidate })`. Returns it: `select`, `candidates`,
    `pickAt`, `pickCandidate`, `remove`. */
export function mountMap(el, options = {}) {
  const box = new MapBox(el, options);
  mounted.add(box);
  box.begin();
  return box;
}

/* The row that is selected on the page. */
let current = null;
/* Those of the page, and those that a live update brings; what it takes away ends. A map to pick on is its page's to mount. */
function keepMounted() {
  for (const box of mounted) if (!box.el.isConnected) box.remove();
  for (const el of document.querySelectorAll("[data-map]:not([data-mounted])")) if (el.dataset.map !== "pick") mountMap(el);
  const now = document.querySelector("main [data-number][aria-current]")?.dataset.number ?? null;
  if (now === current) return;
  current = now;
  for (const box of mounted) if (box.options.cases) box.select(now);
}
keepMounted();
new MutationObserver(keepMounted).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-current"] });

document.addEventListener("hub-change", (event) => {
  if (event.detail.topic === "case") for (const box of mounted) box.lookAgain();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const box of mounted) if (box.dirty) { box.dirty = false; box.lookAgain(); }
});
