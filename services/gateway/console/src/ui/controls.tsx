/** Form controls: each with its label, its unit, a hint, and what is wrong with it. */

import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'
import type { Problem, Violation } from '../api/problem'

interface Described {
  label: string
  hint?: ComponentChildren
  /** What is wrong, or a problem that may name the field `name`. */
  wrong?: string | Problem | undefined
  name?: string
}

/** Whether what is wrong with a field is told at the control of this name. */
export function isOf({ field }: Violation, name: string | undefined): boolean {
  return field === name || field.endsWith(`.${name}`)
}

function wrongOf({ wrong, name }: Described): string | undefined {
  if (typeof wrong === 'string') return wrong || undefined
  const violation = wrong?.violations.find((each) => isOf(each, name))
  return violation && `Received ${violation.received}; accepted: ${violation.accepted}`
}

/** What ties a control to its label, its hint and what is wrong with it. */
interface Attributes {
  id: string
  'aria-describedby'?: string
  'aria-invalid'?: true
}

function Field(props: Described & { control: (attributes: Attributes) => ComponentChildren }) {
  const id = useId()
  const wrong = wrongOf(props)
  const about = [props.hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ')
  const aria = { ...(about && { 'aria-describedby': about }), ...(wrong && { 'aria-invalid': true as const }) }
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.control({ id, ...aria })}
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  )
}

type InputProps = Omit<JSX.IntrinsicElements['input'], keyof Described | 'id'>

export function Input({ label, hint, wrong, name = '', ...rest }: Described & InputProps) {
  const attributes = rest as JSX.IntrinsicElements['input'] // a union over all types, which the spread would narrow
  return <Field {...{ label, hint, wrong, name }} control={(aria) => <input {...attributes} name={name} {...aria} />} />
}

export function Choice<T extends string>(
  props: Described & {
    value: T
    options: readonly { value: T; label: string }[]
    onChange: (value: T) => void
    disabled?: boolean
  },
) {
  return (
    <Field
      {...props}
      control={(aria) => (
        <select
          {...aria}
          name={props.name}
          disabled={props.disabled}
          value={props.value}
          onChange={(event) => props.onChange(event.currentTarget.value as T)}
        >
          {props.options.map(({ value, label }) => (
            <option key={value} value={value} selected={value === props.value}>
              {label}
            </option>
          ))}
        </select>
      )}
    />
  )
}

/** Any of a few, each with a box to tick. */
export function Checks<T extends string>({
  value,
  options,
  onChange,
  ...props
}: Described & {
  value: readonly T[]
  options: readonly { value: T; label: string }[]
  onChange: (value: T[]) => void
}) {
  const id = useId()
  const wrong = wrongOf(props)
  return (
    <fieldset class="field checks" aria-describedby={wrong && `${id}-wrong`}>
      <legend>{props.label}</legend>
      {options.map(({ value: each, label }) => (
        <label key={each} class="row">
          <input
            type="checkbox"
            name={props.name}
            checked={value.includes(each)}
            onChange={({ currentTarget: { checked } }) =>
              onChange(checked ? [...value, each] : value.filter((other) => other !== each))
            }
          />
          {label}
        </label>
      ))}
      {props.hint && <p class="hint">{props.hint}</p>}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </fieldset>
  )
}

/** A few exclusive views, side by side. */
export function Choices<T extends string>(props: {
  label: string
  value: T
  options: readonly { value: T; label: string; disabled?: boolean }[]
  onChange: (value: T) => void
}) {
  return (
    <div class="choices" role="group" aria-label={props.label}>
      {props.options.map(({ value, label, disabled }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          disabled={disabled}
          onClick={() => props.onChange(value)}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
