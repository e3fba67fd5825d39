// Canvases as files.

import { save } from '../api/download'

export function savePicture(canvas: HTMLCanvasElement, name: string): void {
  canvas.toBlob((blob) => blob && save(blob, name))
}
