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
      line.forEach(([x, y], index) => (index ? path.lineTo(x! + turn, y!) : path.moveTo(x! + turn, y!)))
  return path
}
