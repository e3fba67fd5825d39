// Gaussians as the splat service writes them in PLY, activated, in the layout that the renderer reads.

import { columns, type Table } from '../ply'

export interface Branch {
  /** [N × terms × 3] coefficients of spherical harmonics, of each function red, green and blue. */
  harmonics: Float32Array
  /** Functions of the basis, 1, 4, 9 or 16. */
  terms: number
}

export interface Gaussians {
  count: number
  /** [N × 12]: x y z, opacity; the covariance xx xy xz yy; yz zz, reflected opacity, β (three texels each). */
  geometry: Float32Array
  transmitted: Branch
  /** Not there where the model has no reflection. */
  reflected?: Branch
  /** Degree of the harmonics in the file; those above 3 are not shown. */
  degree: number
  /** Whether it was fitted with the antialiased rasterisation. */
  antialiased: boolean
}

/** Numbers of one Gaussian in `geometry`. */
export const STRIDE = 12
const SHOWN_TERMS = 16

/** The Gaussians of a PLY. Throws an Error where there are none, or naming the property that is missing. */
export function gaussians(table: Table): Gaussians {
  if (table.count === 0) throw new Error('this PLY has no Gaussians')
  const reflective = table.names.includes('beta')
  const degree = Math.sqrt(1 + count(table, 'f_rest_') / 3) - 1
  return {
    count: table.count,
    geometry: geometry(table, reflective),
    transmitted: branch(table, 'f_'),
    ...(reflective ? { reflected: branch(table, 'f_ref_') } : {}),
    degree,
    antialiased: table.comments.includes('SplatRenderMode: mip'),
  }
}

function geometry(table: Table, reflective: boolean): Float32Array {
  const { values, names } = table
  const width = names.length
  const [x, y, z, opacity] = columns(table, ['x', 'y', 'z', 'opacity']) as [number, number, number, number]
  const scales = columns(table, ['scale_0', 'scale_1', 'scale_2'])
  const turns = columns(table, ['rot_0', 'rot_1', 'rot_2', 'rot_3'])
  const [reflected, beta] = reflective ? columns(table, ['ref_opacity', 'beta']) : []
  const out = new Float32Array(table.count * STRIDE)
  for (let row = 0; row < table.count; row++) {
    const from = row * width
    const at = row * STRIDE
    out[at] = values[from + x]!
    out[at + 1] = values[from + y]!
    out[at + 2] = values[from + z]!
    out[at + 3] = expit(values[from + opacity]!)
    const covariance = covarianceOf(
      turns.map((column) => values[from + column]!),
      scales.map((column) => Math.exp(values[from + column]!)),
    )
    out.set(covariance, at + 4)
    if (reflected !== undefined && beta !== undefined) {
      out[at + 10] = expit(values[from + reflected]!)
      out[at + 11] = expit(values[from + beta]!)
    }
  }
  return out
}

/** xx xy xz yy yz zz of R diag(s²) Rᵀ; the quaternion is wxyz, of any norm. */
export function covarianceOf(quaternion: number[], scales: number[]): number[] {
  const norm = Math.hypot(...quaternion)
  const [w, x, y, z] = quaternion.map((value) => value / norm) as [number, number, number, number]
  const axes = [
    [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
    [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
  ] as [number, number, number][]
  const pairs = [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
    [2, 2],
  ] as [number, number][]
  return pairs.map(([a, b]) => axes.reduce((sum, axis, i) => sum + axis[a]! * axis[b]! * scales[i]! ** 2, 0))
}

/** A file has all coefficients of red, then of green, then of blue; here the three stand together. */
function branch(table: Table, prefix: string): Branch {
  const { values, names } = table
  const rest = count(table, `${prefix}rest_`) / 3
  const terms = Math.min(1 + rest, SHOWN_TERMS)
  const dc = columns(
    table,
    [0, 1, 2].map((channel) => `${prefix}dc_${channel}`),
  )
  const first = rest > 0 ? columns(table, [`${prefix}rest_0`])[0]! : 0
  const harmonics = new Float32Array(table.count * terms * 3)
  for (let row = 0, at = 0; row < table.count; row++) {
    const from = row * names.length
    for (let channel = 0; channel < 3; channel++) harmonics[at++] = values[from + dc[channel]!]!
    for (let term = 0; term < terms - 1; term++) {
      for (let channel = 0; channel < 3; channel++) {
        harmonics[at++] = values[from + first + channel * rest + term]!
      }
    }
  }
  return { harmonics, terms }
}

function count(table: Table, prefix: string): number {
  return table.names.filter((name) => name.startsWith(prefix)).length
}

function expit(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}
