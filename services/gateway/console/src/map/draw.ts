/** One frame of the map. */

import { spacing, type Grid } from './grid'
import { perDegree, pixel, type Size, type View } from './view'

export interface Inks {
  land: string
  line: string
  coast: string
  mark: string
}

export interface Scene {
  picture: OffscreenCanvas
  grid: Grid
  coast: Path2D | undefined
  chosen: { longitude: number; latitude: number } | undefined
  inks: Inks
}

export function draw(context: CanvasRenderingContext2D, scene: Scene, view: View, size: Size, ratio: number): void {
  const scale = perDegree(view, size)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.fillStyle = scene.inks.land
  context.fillRect(0, 0, size.width, size.height)
  field(context, scene, view, size)
  // From here on in degrees, east of the first of the copies that are in sight.
  const west = view.longitude - size.width / 2 / scale
  const first = 360 * Math.floor((west + 180) / 360)
  const [x, y] = [size.width / 2 - (view.longitude - first) * scale, size.height / 2 + view.latitude * scale]
  context.setTransform(ratio * scale, 0, 0, -ratio * scale, ratio * x, ratio * y)
  context.lineWidth = 0.5 / scale
  context.strokeStyle = scene.inks.line
  context.stroke(graticule())
  if (scene.coast) {
    context.lineWidth = 1 / scale
    context.strokeStyle = scene.inks.coast
    context.stroke(scene.coast)
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  if (scene.chosen) mark(context, scene.inks, pixel(view, scene.chosen.longitude, scene.chosen.latitude, size))
}

function field(context: CanvasRenderingContext2D, { picture, grid }: Scene, view: View, size: Size): void {
  const scale = perDegree(view, size)
  const [dx, dy] = [spacing(grid.longitude), Math.abs(spacing(grid.latitude))]
  const north = Math.max(grid.latitude[0]!, grid.latitude[grid.latitude.length - 1]!) + dy / 2
  const top = size.height / 2 - (north - view.latitude) * scale
  const [width, height] = [picture.width * dx * scale, picture.height * dy * scale]
  context.imageSmoothingEnabled = false // cells are what was computed; nothing is known between them
  const start = size.width / 2 + (grid.longitude[0]! - dx / 2 - view.longitude) * scale
  const turn = 360 * scale
  for (let left = start - turn * Math.ceil((start + width) / turn); left < size.width; left += turn)
    if (left + width > 0) context.drawImage(picture, left, top, width, height)
}

let lines: Path2D | undefined

/** Every 30 degrees. */
function graticule(): Path2D {
  if (lines) return lines
  lines = new Path2D()
  for (let longitude = -180; longitude <= 540; longitude += 30) {
    lines.moveTo(longitude, -90)
    lines.lineTo(longitude, 90)
  }
  for (let latitude = -60; latitude <= 60; latitude += 30) {
    lines.moveTo(-180, latitude)
    lines.lineTo(540, latitude)
  }
  return lines
}

function mark(context: CanvasRenderingContext2D, inks: Inks, { x, y }: { x: number; y: number }): void {
  for (const [width, ink] of [
    [4, inks.land],
    [2, inks.mark],
  ] as const) {
    context.lineWidth = width
    context.strokeStyle = ink
    context.beginPath()
    context.arc(x, y, 7, 0, 2 * Math.PI)
    context.stroke()
  }
}
