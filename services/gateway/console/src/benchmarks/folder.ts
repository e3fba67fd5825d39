// A folder of a benchmark's data: one file of questions, and the images beside it.

import { upload } from '../api/upload'

const FORMATS: Record<string, string> = {
  'questions.json': 'FORMAT_JSON',
  'questions.jsonl': 'FORMAT_JSON_LINES',
  'questions.parquet': 'FORMAT_PARQUET',
}
const IMAGE = /\.(png|jpe?g|webp|gif|tiff?|bmp)$/i

export interface Folder {
  questions: File
  format: string
  /** By their path from the folder. */
  images: Map<string, File>
}

/** What of a chosen folder goes to the service. Throws an Error that says what it lacks. */
export function folderOf(files: readonly File[]): Folder {
  const named = new Map(files.map((file) => [within(file), file]))
  const found = Object.keys(FORMATS).filter((name) => named.has(name))
  if (found.length !== 1) {
    throw new Error(
      `${found.join(' and ') || 'No questions'} in this folder; accepted: one of ${Object.keys(FORMATS).join(', ')}`,
    )
  }
  const [name] = found as [string]
  const images = new Map([...named].filter(([path]) => IMAGE.test(path)))
  return { questions: named.get(name)!, format: FORMATS[name]!, images }
}

/** Stores the folder; `tell` hears how many of its files have arrived. */
export async function sent(folder: Folder, tell: (done: number, of: number) => void): Promise<object> {
  const of = folder.images.size + 1
  const list: string[] = []
  for (const [name, file] of folder.images) {
    list.push(JSON.stringify({ name, sha256: await upload(file) }))
    tell(list.length, of)
  }
  const questions = await upload(folder.questions)
  tell(of, of)
  const data = { questions, format: folder.format }
  if (!list.length) return data
  return { ...data, media: await upload(new File([`${list.join('\n')}\n`], 'media.jsonl')) }
}

/** The path of a file from the folder that was chosen. */
function within(file: File): string {
  return (file.webkitRelativePath || file.name)
    .split('/')
    .slice(file.webkitRelativePath ? 1 : 0)
    .join('/')
}
