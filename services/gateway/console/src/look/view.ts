// What is needed of a camera to draw what it sees.

export interface View {
  /** World to camera, three rows of four; x right, y down, z forward. */
  matrix: number[]
  /** Half the width and half the height of the picture at a depth of one. */
  tangents: [number, number]
  /** Where the camera stands. */
  position: [number, number, number]
}
