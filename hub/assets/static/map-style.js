// What a map looks like: layers for MapLibre, in the colours of tokens.css, so that each theme has its own. No glyphs are
// fetched: without an address for them MapLibre draws all text with the fonts of the machine.

/** The colours of the page, as the element has them. */
export function palette(el) {
  const style = getComputedStyle(el), value = (name) => style.getPropertyValue(name).trim();
  const fonts = value("--font-sans");
  return {
    ground: value("--m-land"), field: value("--m-field"), water: value("--m-water"), green: value("--m-green"),
    block: value("--m-block"), road: value("--m-main"), rail: value("--m-rail"), plaza: value("--m-plaza"),
    roof: value("--b-roof"), wall: value("--b-s"), edge: value("--b-edge"), grid: value("--m-grid"),
    community: value("--m-com"), heat: value("--m-heat"), label: value("--m-label"), quiet: value("--ink-3"),
    accent: value("--accent"), onAccent: value("--on-accent"), focus: value("--focus"),
    p1: value("--p1-fill"), p2: value("--p2-fill"), p3: value("--p3-fill"), p4: value("--p4-fill"),
    fonts,
    stack: fonts.split(",").map((name) => name.trim().replace(/^["']|["']$/g, "")).filter(Boolean),
  };
}

/** Empty GeoJSON. */
export const nothing = () => ({ type: "FeatureCollection", features: [] });

/* How many open cases a grid has; a grid that nobody has counted has none. */
const open = ["coalesce", ["feature-state", "open"], 0];
/* More than this many look alike. */
const MOST_HEAT = 12;
const firstGrids = ["==", ["get", "rank"], 1];
const named = (zh) => zh ? ["coalesce", ["get", "name:zh-Hans"], ["get", "name:zh"], ["get", "name"]] : ["coalesce", ["get", "name:en"], ["get", "name"]];

/* What the vector tiles of a base map call their layers, by the two schemas in use. */
function baseOf(layers, c, zh) {
  const has = (name) => layers.has(name);
  const source = "base";
  const line = (id, layer, filter, colour, width, minzoom = 0) => ({
    id, type: "line", source, "source-layer": layer, filter, minzoom,
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": colour, "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 8, width / 6, 18, width * 2] },
  });
  const fill = (id, layer, colour, filter = ["all"]) => ({
    id, type: "fill", source, "source-layer": layer, filter, paint: { "fill-color": colour, "fill-antialias": false },
  });
  const is = (key, ...words) => ["in", ["get", key], ["literal", words]];
  const all = [];
  // Protomaps: roads, buildings and landuse, told apart by `kind`.
  if (has("landcover")) all.push(fill("base-cover", "landcover", c.green, ["any", is("kind", "grassland", "forest", "scrub"), is("class", "grass", "wood")]));
  if (has("landuse")) {
    all.push(fill("base-green", "landuse", c.green, is("kind", "park", "forest", "wood", "grass", "meadow", "nature_reserve", "garden", "cemetery")));
    all.push(fill("base-field", "landuse", c.field, ["any", is("kind", "farmland", "orchard"), is("class", "farmland")]));
    all.push(fill("base-block", "landuse", c.block, ["any", is("kind", "residential", "industrial", "school", "hospital"), is("class", "residential", "industrial", "school", "hospital")]));
    all.push(fill("base-plaza", "landuse", c.plaza, is("kind", "pedestrian", "commercial")));
  }
  if (has("park")) all.push(fill("base-park", "park", c.green));
  if (has("water")) {
    all.push(fill("base-water", "water", c.water, ["==", ["geometry-type"], "Polygon"]));
    all.push(line("base-river", "water", ["==", ["geometry-type"], "LineString"], c.water, 3));
  }
  if (has("waterway")) all.push(line("base-waterway", "waterway", ["all"], c.water, 3));
  const [roads, key] = has("roads") ? ["roads", "kind"] : ["transportation", "class"];
  if (has(roads)) {
    all.push(line("base-paths", roads, is(key, "path", "track", "service", "other"), c.road, 1.5, 14));
    all.push(line("base-streets", roads, is(key, "minor_road", "minor"), c.road, 4, 11));
    all.push(line("base-roads", roads, is(key, "major_road", "medium_road", "primary", "secondary", "tertiary"), c.road, 6));
    all.push(line("base-motorways", roads, is(key, "highway", "motorway", "trunk"), c.road, 8));
    all.push(line("base-rails", roads, is(key, "rail"), c.rail, 2));
  }
  const buildings = ["buildings", "building"].find(has);
  if (buildings) {
    all.push({ ...fill("base-buildings", buildings, c.roof), minzoom: 13 });
    all.push({
      id: "base-raised", type: "fill-extrusion", source, "source-layer": buildings, minzoom: 13, layout: { visibility: "none" },
      paint: {
        "fill-extrusion-color": c.wall, "fill-extrusion-opacity": 0.85,
        "fill-extrusion-height": ["to-number", ["coalesce", ["get", "height"], ["get", "render_height"]], 6],
        "fill-extrusion-base": ["to-number", ["coalesce", ["get", "min_height"], ["get", "render_min_height"]], 0],
      },
    });
  }
  const names = has("roads") ? "roads" : "transportation_name";
  const words = (id, layer, layout, size) => ({
    id, type: "symbol", source, "source-layer": layer, layout: { "text-field": named(zh), "text-font": c.stack, "text-size": size, ...layout },
    paint: { "text-color": c.quiet, "text-halo-color": c.ground, "text-halo-width": 1.5 },
  });
  if (has(names)) all.push({ ...words("base-road-names", names, { "symbol-placement": "line" }, 12), minzoom: 14 });
  for (const layer of ["places", "place"]) if (has(layer)) all.push({ ...words(`base-${layer}`, layer, {}, 13), maxzoom: 14 });
  return all;
}

/** The layers of a map. `base`: `{ url, layers }` of a base map, if there is one. `unit_m`: metres of height of one case. */
export function style({ colours: c, base, zh, unit_m }) {
  const text = (extra) => ({ "text-font": c.stack, ...extra });
  const halo = { "text-color": c.label, "text-halo-color": c.ground, "text-halo-width": 1.6 };
  const name = ["get", zh ? "name" : "name_en"];
  return {
    version: 8,
    sources: {
      ...base && { base: { type: "vector", url: base.url } },
      grids: { type: "geojson", data: nothing(), promoteId: "id" },
      names: { type: "geojson", data: nothing() },
      boxes: { type: "geojson", data: nothing(), maxzoom: 20, cluster: true, clusterRadius: 24, clusterMaxZoom: 19 },
      cases: {
        type: "geojson", data: nothing(), maxzoom: 20, cluster: true, clusterRadius: 34, clusterMaxZoom: 19,
        clusterProperties: { worst: ["min", ["get", "rank"]], waiting: ["+", ["case", ["get", "acknowledged"], 0, 1]] },
      },
      chosen: { type: "geojson", data: nothing() },
      pins: { type: "geojson", data: nothing() },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": c.ground } },
      ...base ? baseOf(base.layers, c, zh) : [],
      {
        id: "grid-fill", type: "fill", source: "grids", filter: firstGrids,
        paint: { "fill-color": c.heat, "fill-opacity": ["interpolate", ["linear"], open, 0, 0.02, 1, 0.14, MOST_HEAT, 0.5] },
      },
      { id: "grid-fine", type: "line", source: "grids", minzoom: 14, filter: [">", ["get", "rank"], 1], paint: { "line-color": c.grid, "line-width": 0.8, "line-opacity": 0.6, "line-dasharray": [2, 2] } },
      { id: "grid-line", type: "line", source: "grids", filter: firstGrids, paint: { "line-color": c.grid, "line-width": 1.1, "line-opacity": 0.85, "line-dasharray": [4, 3] } },
      { id: "community-line", type: "line", source: "grids", filter: ["==", ["get", "rank"], 0], paint: { "line-color": c.community, "line-width": 2, "line-opacity": 0.8 } },
      { id: "grid-chosen", type: "line", source: "grids", filter: ["==", ["get", "id"], ""], paint: { "line-color": c.focus, "line-width": 2.5 } },
      {
        id: "grid-raised", type: "fill-extrusion", source: "grids", filter: firstGrids, layout: { visibility: "none" },
        paint: {
          // One without cases lies flat in the colour of the ground.
          "fill-extrusion-color": ["case", [">", open, 0], c.heat, c.ground],
          // Nearer than this one looks at streets and houses.
          "fill-extrusion-opacity": ["interpolate", ["linear"], ["zoom"], 14, 0.5, 15.5, 0],
          "fill-extrusion-height": ["*", unit_m, ["min", MOST_HEAT, open]],
        },
      },
      { id: "grid-names", type: "symbol", source: "names", minzoom: 11.5, filter: firstGrids, layout: text({ "text-field": name, "text-size": ["interpolate", ["linear"], ["zoom"], 12, 11, 16, 14], "text-max-width": 7 }), paint: halo },
      { id: "fine-names", type: "symbol", source: "names", minzoom: 15.5, filter: [">", ["get", "rank"], 1], layout: text({ "text-field": name, "text-size": 12, "text-max-width": 7 }), paint: { ...halo, "text-color": c.quiet } },
      { id: "community-names", type: "symbol", source: "names", maxzoom: 15, filter: ["==", ["get", "level"], "community"], layout: text({ "text-field": name, "text-size": 15, "text-letter-spacing": 0.1, "text-max-width": 8 }), paint: halo },
      { id: "boxes", type: "circle", source: "boxes", layout: { visibility: "none" }, paint: { "circle-radius": 6, "circle-color": ["match", ["get", "link"], "offline", c.ground, c.accent], "circle-stroke-color": ["match", ["get", "link"], "offline", c.quiet, c.ground], "circle-stroke-width": 2 } },
      { id: "box-counts", type: "symbol", source: "boxes", filter: ["has", "point_count"], layout: text({ visibility: "none", "text-field": ["get", "point_count_abbreviated"], "text-size": 12, "text-offset": [0.9, 0], "text-anchor": "left", "text-allow-overlap": true }), paint: halo },
      {
        id: "cases", type: "symbol", source: "cases",
        layout: text({
          "icon-image": ["concat", "p", ["to-string", ["+", 1, ["coalesce", ["get", "worst"], ["get", "rank"]]]],
            ["case", ["coalesce", ["get", "acknowledged"], ["==", ["get", "waiting"], 0]], "-held", ""]],
          "icon-allow-overlap": true, "icon-ignore-placement": true,
          "icon-size": ["case", ["has", "point_count"], 1.25, 1],
          // The worst on top.
          "symbol-sort-key": ["-", 0, ["coalesce", ["get", "worst"], ["get", "rank"]]],
          "text-field": ["coalesce", ["get", "point_count_abbreviated"], ""], "text-size": 14, "text-anchor": "left", "text-offset": [0.95, 0], "text-allow-overlap": true, "text-ignore-placement": true,
        }),
        paint: { ...halo, "text-halo-width": 2 },
      },
      { id: "chosen-ring", type: "circle", source: "chosen", paint: { "circle-radius": 17, "circle-opacity": 0, "circle-color": c.ground, "circle-stroke-color": c.focus, "circle-stroke-width": 3 } },
      {
        id: "chosen", type: "symbol", source: "chosen",
        layout: { "icon-image": ["concat", "p", ["to-string", ["+", 1, ["get", "rank"]]], ["case", ["get", "acknowledged"], "-held", ""]], "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": 1.15 },
      },
      { id: "pins", type: "symbol", source: "pins", layout: { "icon-image": ["get", "icon"], "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": 1.15 } },
    ],
  };
}

/** Layers that are there in 3D only, and those whose place they take. */
export const RAISED = ["grid-raised", "base-raised"];
export const FLAT = ["base-buildings"];
