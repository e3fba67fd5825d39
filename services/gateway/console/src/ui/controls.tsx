/** Form controls: each with its label, its unit, a hint, and what is wrong with it. */

import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'
import type { Problem } from '../api/problem'

interface Described {
  label: string
  hint?: ComponentChildren
  /** What is wrong, or a problem that may name the field `name`. */
  wrong?: string | Problem | undefined
  name?: string
}

function wrongOf({ wrong, name }: Described): string | undefined {
  if (typeof wrong === 'string') return wrong || undefined
  const violation = wrong?.violations.find(({ field }) => field === name || field.endsWith(`.${name}`))
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
