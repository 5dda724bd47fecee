// What maps are drawn with: MapLibre, and for a base map the reader of its file. Both come from this hub.

let library = null, reader = null;
/** MapLibre; asked for when the first map is mounted: a megabyte that most pages do without. */
export function maplibre() {
  library ??= import("/assets/maplibre-gl.mjs").then((gl) => {
    if (!gl.Map) throw new Error("no map library");
    return gl;
  });
  return library;
}
function pmtiles(gl) {
  reader ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = "/assets/pmtiles.js";
    script.onload = () => {
      const protocol = new window.pmtiles.Protocol();
      gl.addProtocol("pmtiles", protocol.tile);
      done(protocol);
    };
    script.onerror = () => failed(new Error("no reader of base maps"));
    document.head.append(script);
  });
  return reader;
}

/** What a base map is to a style: its address, and which layers it has, which it says itself. */
export async function baseMap(gl, path) {
  const address = new URL(path, location.href).href, protocol = await pmtiles(gl);
  const file = new window.pmtiles.PMTiles(address);
  const about = await file.getMetadata();
  protocol.add(file);
  const credit = new DOMParser().parseFromString(String(about?.attribution ?? ""), "text/html").body.textContent.trim();
  return { url: `pmtiles://${address}`, layers: new Set((about?.vector_layers ?? []).map((layer) => layer.id)), credit };
}

/** Whether this browser can draw a map. */
export function hasWebGl() {
  try {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return context !== null;
  } catch { return false; }
}
