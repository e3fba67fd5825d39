/** Fields of analyses, as the gateway reads them from their files. */

import { api } from '../api/client'
import { Problem } from '../api/problem'
import { readSafetensors } from '../api/safetensors'
import { gridOf, sameGrid, type Grid } from '../map/grid'

export interface Field {
  variable: string
  unit: string
  grid: Grid
  /** What the levels are at; one, 0 m, where the file has none. */
  depth: ArrayLike<number>
  depthName: string
  depthUnit: string
  /** The one of the file's times that this is of, as ISO 8601 has it; none where the file tells none. */
  time: string | undefined
  /** [depth, latitude, longitude]; NaN where missing. */
  values: Float32Array
}

const UNITS: Record<string, string> = { degC: '°C', degrees_C: '°C', deg_C: '°C', celsius: '°C', Celsius: '°C' }
/** What CF (section 4) calls the units of the axes, and what these are called where they have none. */
const NORTH = { units: /^degrees?_?n(orth)?$/i, name: /^(nav_)?lat(itude)?$/i }
const EAST = { units: /^degrees?_?e(ast)?$/i, name: /^(nav_)?lon(gitude)?$/i }

/** A variable of an artifact; the file's first where none is named. Raises Problem. */
export async function readField(artifact: string, variable: string | undefined, signal: AbortSignal): Promise<Field> {
  const answer = await api.blob(`/v1/artifacts/${artifact}/field`, { query: { variable }, signal })
  return asField(await answer.arrayBuffer())
}

/** Raises Problem where the field is none on a grid of latitudes and longitudes. */
export function asField(bytes: ArrayBuffer): Field {
  const { metadata, tensors } = readSafetensors(bytes)
  const { variable = '', units: unit = '', time } = metadata
  const dims = JSON.parse(metadata['dims']!) as string[]
  const [north, east] = dims.slice(-2) as [string, string]
  const unitOf = (dim: string) => metadata[`units.${dim}`] ?? ''
  const runs = (dim: string, way: typeof NORTH) => way.units.test(unitOf(dim)) || way.name.test(dim)
  if (!runs(north, NORTH) || !runs(east, EAST))
    throw undrawn(variable, `Its last two dimensions are ${north} and ${east}; maps are of latitudes and longitudes.`)
  const [latitude, longitude] = [tensors[north]?.values, tensors[east]?.values]
  if (!latitude || !longitude)
    throw undrawn(variable, `The file does not tell the coordinates of ${north} and ${east}.`)
  return {
    variable,
    unit: UNITS[unit] ?? unit,
    grid: drawn(variable, latitude, longitude),
    ...levels(dims.slice(0, -2), tensors, unitOf),
    time,
    values: tensors['values']!.values as Float32Array,
  }
}

function drawn(variable: string, latitude: ArrayLike<number>, longitude: ArrayLike<number>): Grid {
  try {
    return gridOf(latitude, longitude)
  } catch (thrown) {
    throw undrawn(variable, (thrown as RangeError).message)
  }
}

function undrawn(variable: string, detail: string): Problem {
  return new Problem({ status: 0, title: `${variable} cannot be drawn`, detail })
}

/** The levels, counted from 1 where the file tells nothing of them. */
function levels(
  [dim]: string[],
  tensors: ReturnType<typeof readSafetensors>['tensors'],
  unitOf: (dim: string) => string,
): Pick<Field, 'depth' | 'depthName' | 'depthUnit'> {
  if (dim === undefined) return { depth: [0], depthName: 'depth', depthUnit: 'm' }
  const told = tensors[dim]?.values
  if (told) return { depth: told, depthName: dim, depthUnit: unitOf(dim) }
  const count = tensors['values']!.shape[0]!
  return { depth: Array.from({ length: count }, (_, index) => index + 1), depthName: 'level', depthUnit: '' }
}

/** What a level is at, with its unit, or its name where it has none: `100 m`, `level 3`. */
export function levelName({ depth, depthName, depthUnit }: Field, index: number): string {
  const at = depth[index]!.toFixed(0)
  return depthUnit ? `${at} ${depthUnit}` : `${depthName} ${at}`
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

/** Why one field cannot be taken from the other, as a sentence; empty where it can. */
export function unlike(field: Field, baseline: Field): string {
  if (!sameGrid(field.grid, baseline.grid)) return 'That one is on another grid; choose one on the same.'
  const levels =
    field.depth.length === baseline.depth.length &&
    Array.from(field.depth).every((d, i) => Math.abs(d - baseline.depth[i]!) < 1e-3)
  if (!levels) return 'That one has other levels; choose one with the same.'
  if (field.unit !== baseline.unit)
    return `That one is ${kind(baseline)}, this one ${kind(field)}; choose one of the same quantity.`
  return ''
}

function kind({ variable, unit }: Field): string {
  return `${variable} ${unit ? `in ${unit}` : 'without a unit'}`
}

/** One field less another that is like it. */
export function difference(field: Field, baseline: Field): Field {
  return { ...field, values: field.values.map((value, index) => value - baseline.values[index]!) }
}
