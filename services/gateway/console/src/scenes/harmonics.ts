// Real spherical harmonics through degree 3, orthonormal, in the order and with the signs of gsplat.

import type { Branch } from './gaussians'

const TERMS = 16

/** Writes the basis at a direction, of any norm above zero, into `out`. */
export function basis(dx: number, dy: number, dz: number, out: Float64Array): void {
  const norm = Math.hypot(dx, dy, dz) || 1
  const x = dx / norm
  const y = dy / norm
  const z = dz / norm
  const xx = x * x
  const yy = y * y
  const zz = z * z
  out[0] = 0.28209479177387814
  out[1] = -0.4886025119029199 * y
  out[2] = 0.4886025119029199 * z
  out[3] = -0.4886025119029199 * x
  out[4] = 1.0925484305920792 * x * y
  out[5] = -1.0925484305920792 * y * z
  out[6] = 0.31539156525252005 * (2 * zz - xx - yy)
  out[7] = -1.0925484305920792 * x * z
  out[8] = 0.5462742152960396 * (xx - yy)
  out[9] = -0.5900435899266435 * y * (3 * xx - yy)
  out[10] = 2.890611442640554 * x * y * z
  out[11] = -0.4570457994644658 * y * (4 * zz - xx - yy)
  out[12] = 0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy)
  out[13] = -0.4570457994644658 * x * (4 * zz - xx - yy)
  out[14] = 1.445305721320277 * z * (xx - yy)
  out[15] = -0.5900435899266435 * x * (xx - 3 * yy)
}

export function newBasis(): Float64Array {
  return new Float64Array(TERMS)
}

/** The colour max(½ + Σ Y k, 0) of one Gaussian, 10 bits each over 0…2, red lowest. */
export function packedColour(branch: Branch, row: number, values: Float64Array): number {
  const { harmonics, terms } = branch
  let at = row * terms * 3
  let red = 0.5
  let green = 0.5
  let blue = 0.5
  for (let term = 0; term < terms; term++) {
    const value = values[term]!
    red += value * harmonics[at++]!
    green += value * harmonics[at++]!
    blue += value * harmonics[at++]!
  }
  return (tenBits(red) | (tenBits(green) << 10) | (tenBits(blue) << 20)) >>> 0
}

function tenBits(value: number): number {
  return Math.round(Math.min(Math.max(value, 0), 2) * 511.5)
}
