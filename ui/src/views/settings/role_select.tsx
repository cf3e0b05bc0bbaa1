// One of the roles, or none where that is offered.

import { For, Show, type JSX } from "solid-js";
import { ROLES } from "../../derive/people/roles";

export interface RoleSelectProps {
  id?: string;
  label?: string;
  /** Empty: none. */
  role: string;
  /** What having none is called, if it can be chosen. */
  none?: string;
  disabled?: boolean;
  onChange: (role: string) => void;
}

export function RoleSelect(props: RoleSelectProps): JSX.Element {
  return (
    <select id={props.id} aria-label={props.label} disabled={props.disabled ?? false} onChange={(event) => props.onChange(event.currentTarget.value)}>
      <Show when={props.none}>{(none) => <option value="" selected={props.role === ""}>{none()}</option>}</Show>
      <For each={ROLES}>{({ role, label }) => <option value={role} selected={props.role === role}>{label}</option>}</For>
    </select>
  );
}
