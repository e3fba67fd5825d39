// Units as CF writes them, as a reader does.

const RAISED: Record<string, string> = { '-': '⁻' }
for (const [digit, raised] of [...'⁰¹²³⁴⁵⁶⁷⁸⁹'].entries()) RAISED[digit] = raised

/** `degC decade-1` is °C decade⁻¹; CF writes 1 where there is no unit. */
export function unit(cf: string): string {
  if (cf === '1') return ''
  return cf
    .replace(/\b(degC|degree_C|degrees_C|degree_Celsius|celsius)\b/gi, '°C')
    .replace(/(?<=(?:^|[ .*/])[a-zμ°]+)(-?\d+)\b/gi, (power) => raised(Number(power)))
}

/** A whole number as an exponent. */
export function raised(power: number): string {
  return [...String(power)].map((sign) => RAISED[sign]).join('')
}
