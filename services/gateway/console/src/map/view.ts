/** What part of the Earth is in sight, on a plate carrée: degrees are pixels, wrapped around in longitude. */

export interface View {
  /** Longitude and latitude in the middle, degrees. */
  longitude: number
  latitude: number
  /** 1 for the whole width of the Earth. */
  zoom: number
}

export interface Size {
  width: number
  height: number
}

export const WORLD: View = { longitude: 200, latitude: 0, zoom: 1 }
export const MOST_ZOOM = 24

/** Pixels of a degree. */
export function perDegree(view: View, { width }: Size): number {
  return (width / 360) * view.zoom
}

export function wrapped(longitude: number): number {
  return ((longitude % 360) + 360) % 360
}

/** The same view within bounds: never beyond the poles, never wider than the Earth. */
export function clamped(view: View, size: Size): View {
  const zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom))
  const reach = Math.max(0, 90 - size.height / 2 / perDegree({ ...view, zoom }, size))
  return {
    longitude: wrapped(view.longitude),
    latitude: Math.min(reach, Math.max(-reach, view.latitude)),
    zoom,
  }
}

/** Moves by pixels, as a hand drags a sheet. */
export function dragged(view: View, dx: number, dy: number, size: Size): View {
  const scale = perDegree(view, size)
  return clamped({ ...view, longitude: view.longitude - dx / scale, latitude: view.latitude + dy / scale }, size)
}

/** Zooms by a factor, and keeps what is under the point where it is. */
export function zoomed(view: View, factor: number, x: number, y: number, size: Size): View {
  const before = at(view, x, y, size)
  const zoom = Math.min(MOST_ZOOM, Math.max(1, view.zoom * factor))
  const after = at({ ...view, zoom }, x, y, size)
  return clamped(
    {
      longitude: view.longitude + before.longitude - after.longitude,
      latitude: view.latitude + before.latitude - after.latitude,
      zoom,
    },
    size,
  )
}

/** Pixels from an edge within which a place is hardly in sight. */
const EDGE = 24

/** The view moved as little as brings a place into sight. */
export function showing(view: View, longitude: number, latitude: number, size: Size): View {
  const { x, y } = pixel(view, longitude, latitude, size)
  const inside = (at: number, extent: number) => Math.min(extent - EDGE, Math.max(EDGE, at))
  return dragged(view, inside(x, size.width) - x, inside(y, size.height) - y, size)
}

/** The place under a pixel; latitudes may lie beyond the poles. */
export function at(view: View, x: number, y: number, size: Size): { longitude: number; latitude: number } {
  const scale = perDegree(view, size)
  return {
    longitude: view.longitude + (x - size.width / 2) / scale,
    latitude: view.latitude - (y - size.height / 2) / scale,
  }
}

/** The pixel of a place, in the copy of the Earth that is nearest to the middle. */
export function pixel(view: View, longitude: number, latitude: number, size: Size): { x: number; y: number } {
  const scale = perDegree(view, size)
  const east = wrapped(longitude - view.longitude + 180) - 180
  return { x: size.width / 2 + east * scale, y: size.height / 2 - (latitude - view.latitude) * scale }
}
