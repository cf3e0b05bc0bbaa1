// A form: Enter sends it, Escape leaves it, and what the server refuses stands where it belongs.

import { createUniqueId, For, Show, type JSX } from "solid-js";
import type { Submission } from "../../state/reading/submission";

export interface FormProps {
  label: string;
  submission: Submission;
  /** Names of the fields that show what is wrong with them themselves. */
  fields?: readonly string[];
  submit_label: string;
  busy_label: string;
  disabled?: boolean;
  onSubmit: () => void;
  /** Escape, and a button. */
  onCancel?: () => void;
  cancel_label?: string;
  children: JSX.Element;
}

export function Form(props: FormProps): JSX.Element {
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !props.onCancel) return;
    event.preventDefault();
    event.stopPropagation();
    props.onCancel();
  };
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!props.submission.busy() && !props.disabled) props.onSubmit();
  };
  return (
    <form class="form" aria-label={props.label} aria-busy={props.submission.busy()} onSubmit={onSubmit} on:keydown={onKey} novalidate>
      {props.children}
      <FormError text={props.submission.errorBeside(...(props.fields ?? []))} />
      <div class="form-actions">
        <button type="submit" class="button primary" disabled={props.submission.busy() || props.disabled}>
          {props.submission.busy() ? props.busy_label : props.submit_label}
        </button>
        <Show when={props.onCancel}>
          <button type="button" class="button" onClick={() => props.onCancel?.()}>{props.cancel_label ?? "Cancel"}</button>
        </Show>
      </div>
    </form>
  );
}

export function FormError(props: { text: string | null }): JSX.Element {
  return <Show when={props.text}>{(text) => <p class="form-error" role="alert">{text()}</p>}</Show>;
}

export interface FieldProps {
  label: string;
  hint?: JSX.Element;
  error?: string | null;
  /** Gets what its control needs to be named and described. */
  children: (control: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }) => JSX.Element;
}

export function Field(props: FieldProps): JSX.Element {
  const id = createUniqueId();
  const control = () => {
    const described = [props.hint ? `${id}-hint` : "", props.error ? `${id}-error` : ""].filter(Boolean).join(" ");
    return {
      id,
      ...(described ? { "aria-describedby": described } : {}),
      ...(props.error ? { "aria-invalid": true as const } : {}),
    };
  };
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.children({
        id,
        get "aria-describedby"() {
          return control()["aria-describedby"] as string;
        },
        get "aria-invalid"() {
          return control()["aria-invalid"] as true;
        },
      })}
      <Show when={props.hint}><p class="hint" id={`${id}-hint`}>{props.hint}</p></Show>
      <Show when={props.error}>{(error) => <p class="form-error" id={`${id}-error`} role="alert">{error()}</p>}</Show>
    </div>
  );
}

export interface TextFieldProps {
  label: string;
  hint?: JSX.Element;
  error?: string | null;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "url";
  autocomplete?: string;
  placeholder?: string;
  focus?: boolean;
  read_only?: boolean;
  wide?: boolean;
}

export function TextField(props: TextFieldProps): JSX.Element {
  return (
    <Field label={props.label} hint={props.hint} error={props.error ?? null}>
      {(control) => (
        <input
          {...control}
          ref={(input) => props.focus && queueMicrotask(() => input.focus())}
          class="input"
          classList={{ wide: props.wide ?? false }}
          type={props.type ?? "text"}
          value={props.value}
          placeholder={props.placeholder ?? ""}
          autocomplete={(props.autocomplete ?? "off") as "off"}
          autocapitalize="none"
          spellcheck={false}
          readOnly={props.read_only ?? false}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export interface ChoiceItem {
  value: string;
  label: string;
  explanation: string;
}

/** One of a few, each with what it means. */
export function RadioField(props: { label: string; name: string; items: readonly ChoiceItem[]; value: string; onChange: (value: string) => void }): JSX.Element {
  const id = createUniqueId();
  return (
    <fieldset class="field radio-field">
      <legend>{props.label}</legend>
      <For each={props.items}>
        {(item) => (
          <label class="radio">
            <input
              type="radio"
              name={`${props.name}-${id}`}
              value={item.value}
              checked={props.value === item.value}
              onChange={() => props.onChange(item.value)}
            />
            <span class="radio-text"><strong>{item.label}</strong> <span class="quiet">{item.explanation}</span></span>
          </label>
        )}
      </For>
    </fieldset>
  );
}
