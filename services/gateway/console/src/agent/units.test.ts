import { describe, expect, it } from 'vitest'
import { significant } from './AnswerView'
import { unit } from './units'

describe('unit', () => {
  it.each([
    ['degC decade-1', '°C decade⁻¹'],
    ['kg m-2 s-1', 'kg m⁻² s⁻¹'],
    ['1e-3', '1e-3'],
    ['K2', 'K²'],
    ['%', '%'],
    ['1', ''],
  ])('of %s is %s', (cf, read) => {
    expect(unit(cf)).toBe(read)
  })
})

describe('significant', () => {
  it.each([
    [0.20011, '0.2001'],
    [-1234.5, '−1235'],
    [0, '0'],
    [7.7106e-51, '7.711 × 10⁻⁵¹'],
    [-3e12, '−3.000 × 10¹²'],
  ])('of %d has four digits', (value, read) => {
    expect(significant(value)).toBe(read)
  })
})
