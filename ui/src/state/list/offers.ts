// What can be offered while a filter is written: the fields, read once, and their values, asked for as one types.

import { createEffect, createMemo, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { isAborted, type Params } from "../../api/client";
import type { FilterField, FilterValue } from "../../api/types";
import { fieldOf, hasValues, nameOffers, valueOffers, wordOffers, type Offer, type Place } from "../../derive/filter/completion";
import type { App } from "../app";

/** A person's typing makes one question, not ten. */
const PAUSE_MS = 90;

/** `scope`: project and range of the sessions whose values are offered. Nothing is asked while `place` is null. */
export function createOffers(app: App, place: Accessor<Place | null>, scope: Accessor<Params>): Accessor<Offer[]> {
  const [fields, setFields] = createSignal<FilterField[]>([]);
  const [found, setFound] = createSignal<{ field: string; values: FilterValue[] } | null>(null);
  let asked = false;
  // Without the fields there is no help, but the filter works: what is wrong with it the server says.
  const readFields = () => app.api.filterFields().then(({ items }) => setFields(items), () => (asked = false));

  createEffect(() => {
    if (place() === null || asked) return;
    asked = true;
    void readFields();
  });

  const asking = createMemo(() => {
    const here = place();
    if (here?.kind !== "value" || !hasValues(fieldOf(fields(), here.field), here.field)) return null;
    return { field: here.field, prefix: here.prefix };
  }, null, { equals: (before, after) => before?.field === after?.field && before?.prefix === after?.prefix });

  createEffect(on(asking, (question) => {
    if (!question) return void setFound(null);
    const request = new AbortController();
    const ask = async () => {
      const params = { ...scope(), field: question.field, prefix: question.prefix || null };
      try {
        const { items } = await app.api.filterValues(params, request.signal);
        setFound({ field: question.field, values: items });
      } catch (cause) {
        if (!isAborted(cause)) setFound(null);
      }
    };
    // Values of another field would be wrong; of the same field they are right until better ones come.
    if (found()?.field !== question.field) setFound(null);
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    onCleanup(() => {
      clearTimeout(timer);
      request.abort();
    });
  }));

  return createMemo(() => {
    const here = place();
    if (!here) return [];
    if (here.kind === "name") return nameOffers(fields(), here.prefix);
    const field = fieldOf(fields(), here.field);
    const words = field ? wordOffers(field, here.prefix) : [];
    return [...words, ...valueOffers(found()?.values ?? [], here.prefix)];
  });
}
