/** Figures as they are shown: always with their unit. */

const NARROW = '\u202f'

export function number(value: number, digits = 2): string {
  return Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–'
}

export function quantity(value: number, unit: string, digits = 2): string {
  return Number.isFinite(value) ? `${number(value, digits)}${NARROW}${unit}` : 'no data'
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en').replaceAll(',', NARROW)
}

/** Bytes in decimal units, as disks are sold. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let scaled = value
  let unit = 0
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000
    unit += 1
  }
  return `${scaled.toFixed(unit && scaled < 100 ? 1 : 0)}${NARROW}${units[unit]}`
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}${NARROW}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}${NARROW}min ${Math.round(seconds % 60)}${NARROW}s`
  return `${Math.floor(minutes / 60)}${NARROW}h ${minutes % 60}${NARROW}min`
}

/** A moment in the reader's own time zone. */
export function moment(at: string | number | Date): string {
  return new Date(at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}

export function place(latitude: number, longitude: number): string {
  const east = ((((longitude + 180) % 360) + 360) % 360) - 180
  const ns = `${Math.abs(latitude).toFixed(1)}° ${latitude < 0 ? 'S' : 'N'}`
  return `${ns}, ${Math.abs(east).toFixed(1)}° ${east < 0 ? 'W' : 'E'}`
}

export const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
] as const

export function month(number: number): string {
  return MONTHS[number - 1] ?? `month ${number}`
}

/** What a service tells of a method or model, as a sentence of its own: its name stands beside it. */
export function about(description = ''): string {
  const told = description.replace(/^Method `\w+`: /, '').replaceAll('`', '')
  return told.charAt(0).toUpperCase() + told.slice(1)
}
