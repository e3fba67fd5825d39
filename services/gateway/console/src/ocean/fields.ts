/** Fields of analyses, as the gateway reads them from their files. */

import { api } from '../api/client'
import { readSafetensors } from '../api/safetensors'
import { sameGrid, type Grid } from '../map/grid'

export interface Field {
  variable: string
  unit: string
  grid: Grid
  /** Depths of the levels; one, 0, where the file has none. */
  depth: ArrayLike<number>
  depthUnit: string
  /** [depth, latitude, longitude]; NaN where missing. */
  values: Float32Array
}

const UNITS: Record<string, string> = { degC: '°C', degrees_C: '°C', deg_C: '°C', celsius: '°C', Celsius: '°C' }

/** A variable of an artifact; the file's first where none is named. */
export async function readField(artifact: string, variable: string | undefined, signal?: AbortSignal): Promise<Field> {
  const asking = { query: { variable }, ...(signal && { signal }) }
  const answer = await api.bytes(`/v1/artifacts/${artifact}/field`, asking)
  return asField(await answer.arrayBuffer())
}

export function asField(bytes: ArrayBuffer): Field {
  const { metadata, tensors } = readSafetensors(bytes)
  const dims = metadata['dims']!.split(' ')
  const [latitude, longitude] = dims.slice(-2).map((dim) => tensors[dim]!.values)
  const unit = metadata['units'] ?? ''
  return {
    variable: metadata['variable']!,
    unit: UNITS[unit] ?? unit,
    grid: { latitude: latitude!, longitude: longitude! },
    depth: dims.length > 2 ? tensors[dims[0]!]!.values : [0],
    depthUnit: metadata[`units.${dims[0]}`] ?? '',
    values: tensors['values']!.values as Float32Array,
  }
}

export function level(field: Field, index: number): Float32Array {
  const size = field.grid.latitude.length * field.grid.longitude.length
  return field.values.subarray(index * size, (index + 1) * size)
}

/** The values of a column, from the surface down. */
export function column(field: Field, row: number, column: number): number[] {
  const width = field.grid.longitude.length
  const size = field.grid.latitude.length * width
  return Array.from({ length: field.depth.length }, (_, index) => field.values[index * size + row * width + column]!)
}

/** One field less another on the same grid; none where the grids differ. */
export function difference(field: Field, baseline: Field): Field | undefined {
  const levels =
    field.depth.length === baseline.depth.length &&
    Array.from(field.depth).every((d, i) => Math.abs(d - baseline.depth[i]!) < 1e-3)
  if (!levels || !sameGrid(field.grid, baseline.grid)) return undefined
  return { ...field, values: field.values.map((value, index) => value - baseline.values[index]!) }
}
