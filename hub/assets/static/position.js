// Where somebody stands, when he asks for it: WGS84, with how accurate it is. Nothing is followed.

/** `{ latitude, longitude, accuracy }`, or nothing: not allowed, or not found within twenty seconds. */
export const position = () => new Promise((resolve) => {
  if (!navigator.geolocation) { resolve(null); return; }
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => resolve({ latitude: coords.latitude, longitude: coords.longitude, accuracy: Math.round(coords.accuracy) }),
    () => resolve(null),
    { enableHighAccuracy: true, timeout: 20_000, maximumAge: 30_000 },
  );
});

/** Metres between two places (haversine on a sphere: good to half a percent). */
export function metres(a, b) {
  const rad = Math.PI / 180, sin2 = (x) => Math.sin(x / 2) ** 2;
  const h = sin2((b.latitude - a.latitude) * rad) + Math.cos(a.latitude * rad) * Math.cos(b.latitude * rad) * sin2((b.longitude - a.longitude) * rad);
  return 2 * 6_371_000 * Math.asin(Math.min(1, Math.sqrt(h)));
}
