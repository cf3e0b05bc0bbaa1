// A form that is sent: busy while it is, and what the server refused, at the field that it names.

import { createSignal, type Accessor } from "solid-js";
import { ApiFailure, failureText } from "../../api/client";
import { splitProblem } from "../../derive/people/problem";

export interface Submission {
  busy: Accessor<boolean>;
  /** What is wrong with that field. */
  errorOf(field: string): string | null;
  /** What is wrong and concerns none of these fields. */
  errorBeside(...fields: string[]): string | null;
  /** Puts in what the form itself found. */
  refuse(field: string | null, text: string): void;
  clear(): void;
  /**
   * Does the work unless it is being done; `false` when it was refused. `main` is the field that is meant where the
   * server does not name one.
   */
  run(work: () => Promise<void>, main?: string): Promise<boolean>;
}

/** What was written is wrong, names what is not there, or what is there already. */
const INPUT_STATUSES = [400, 404, 409];

export function createSubmission(): Submission {
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<{ field: string | null; text: string } | null>(null);
  return {
    busy,
    errorOf: (field) => (problem()?.field === field ? (problem()?.text ?? null) : null),
    errorBeside(...fields) {
      const now = problem();
      if (now === null || (now.field !== null && fields.includes(now.field))) return null;
      return now.field === null ? now.text : `${now.field}: ${now.text}`;
    },
    refuse: (field, text) => void setProblem({ field, text }),
    clear: () => void setProblem(null),
    async run(work, main) {
      if (busy()) return false;
      setBusy(true);
      setProblem(null);
      try {
        await work();
        return true;
      } catch (cause) {
        const is_told = cause instanceof ApiFailure && cause.detail !== "";
        const found = is_told ? splitProblem(cause.detail) : { field: null, text: failureText(cause) };
        const is_input = is_told && INPUT_STATUSES.includes(cause.status);
        setProblem({ ...found, field: found.field ?? (is_input ? (main ?? null) : null) });
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
