// The cameras of a scene's photographs, as nerfstudio's `transforms.json` has them, to look from.

import { cross, dot, unit, type Camera, type Vector } from '../look/camera'

export interface NamedView {
  name: string
  camera: Camera
}

interface Lens {
  fl_x?: number
  fl_y?: number
  w?: number
  h?: number
  camera_angle_x?: number
}

/** The lens is that of all frames, or of each one its own. */
interface Transforms extends Lens {
  frames: (Lens & { file_path: string; transform_matrix: number[][] })[]
}

/** The views of a scene, which turn about its middle. Throws an Error that says what cannot be read. */
export function views(text: string, middle: Vector): NamedView[] {
  const transforms = parsed(text)
  const sorted = transforms.frames.toSorted((a, b) => a.file_path.localeCompare(b.file_path))
  return sorted.map((frame) => {
    const axis = (column: number, sign: number) =>
      unit([0, 1, 2].map((row) => sign * frame.transform_matrix[row]![column]!) as Vector)
    // The matrix is of OpenGL's axes: y up, and what is seen behind the camera.
    const right = axis(0, 1)
    const forward = axis(2, -1)
    const position = [0, 1, 2].map((row) => frame.transform_matrix[row]![3]!) as Vector
    const away = middle.map((value, i) => value - position[i]!) as Vector
    const distance = Math.max(dot(away, forward), 0.1 * Math.hypot(...away), 1e-3)
    const target = position.map((value, i) => value + distance * forward[i]!) as Vector
    const name = frame.file_path
      .split('/')
      .at(-1)!
      .replace(/\.[^.]*$/, '')
    return {
      name,
      camera: {
        right,
        down: cross(forward, right),
        forward,
        target,
        distance,
        tangent: halfHeight({ ...transforms, ...frame }),
      },
    }
  })
}

function parsed(text: string): Transforms {
  let read: Partial<Transforms> | null
  try {
    read = JSON.parse(text) as Partial<Transforms> | null
  } catch {
    throw new Error('the file of cameras is no JSON')
  }
  const good = (frame: Transforms['frames'][number]) =>
    typeof frame?.file_path === 'string' && [0, 1, 2].every((row) => frame.transform_matrix?.[row]?.length === 4)
  if (!Array.isArray(read?.frames) || !read.frames.every(good)) {
    throw new Error('the file of cameras has no frames, each with file_path and transform_matrix, as a transforms.json has')
  }
  return read as Transforms
}

/** What is up in most of the views. */
export function upwards(views: NamedView[]): Vector {
  const sum = views.reduce<Vector>(
    (total, { camera }) => total.map((value, i) => value - camera.down[i]!) as Vector,
    [0, 0, 0],
  )
  return unit(sum)
}

function halfHeight({ fl_x, fl_y, h, w, camera_angle_x }: Lens): number {
  const focal = fl_y ?? fl_x
  if (focal && h) return h / 2 / focal
  if (camera_angle_x) return Math.tan(camera_angle_x / 2) * (h && w ? h / w : 0.75)
  return 0.45
}
