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
  /** Does the work unless it is being done; `false` when it was refused. */
  run(work: () => Promise<void>): Promise<boolean>;
}

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
    async run(work) {
      if (busy()) return false;
      setBusy(true);
      setProblem(null);
      try {
        await work();
        return true;
      } catch (cause) {
        const is_input = cause instanceof ApiFailure && cause.detail !== "";
        setProblem(is_input ? splitProblem(cause.detail) : { field: null, text: failureText(cause) });
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
