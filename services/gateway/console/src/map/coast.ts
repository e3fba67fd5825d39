/** Coastlines: Natural Earth 1 : 110 million, public domain. */

import { mesh } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import land from 'world-atlas/land-110m.json'

const topology = land as unknown as Topology<{ land: GeometryCollection }>

/** Lines in degrees, x east and y north, from −180° to 540°, so that any view that is wrapped lies within. */
export function coastlines(): Path2D {
  const path = new Path2D()
  for (const turn of [0, 360])
    for (const line of mesh(topology, topology.objects.land).coordinates)
      line.forEach(([x, y], index) => {
        const from = line[index - 1]
        if (from && isCoast(from[0]!, x!, y!)) path.lineTo(x! + turn, y!)
        else path.moveTo(x! + turn, y!)
      })
  return path
}

/** Whether a segment is shore, not where the map was cut: along 180° or the south pole, or from one edge to the other. */
export function isCoast(from: number, to: number, latitude: number): boolean {
  return Math.abs(to - from) < 180 && !(Math.abs(from) === 180 && Math.abs(to) === 180) && latitude > -90
}
