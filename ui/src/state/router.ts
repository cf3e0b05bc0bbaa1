// Where one is: the URL is the state, this keeps the two in step. Small enough to own: two places and a query codec.

import { createSignal, type Accessor } from "solid-js";
import { parsePlace, type Place } from "../derive/url_state";

export interface Router {
  place: Accessor<Place>;
  /** `replace`: the step is not worth a stop on the way back, like a letter typed in a filter. */
  navigate(url: string, options?: { replace?: boolean }): void;
  /** Back to where one came from within the page; to `fallback` when this is the first place of the visit. */
  back(fallback: string): void;
}

interface HistoryMark {
  /** How many places of this page lie behind this one. */
  depth: number;
}

export function createRouter(): Router {
  const [place, setPlace] = createSignal(parsePlace(location.pathname, location.search));
  const depthNow = (): number => (history.state as HistoryMark | null)?.depth ?? 0;
  const readLocation = () => setPlace(parsePlace(location.pathname, location.search));

  function navigate(url: string, options: { replace?: boolean } = {}): void {
    if (url === location.pathname + location.search) return;
    if (options.replace) history.replaceState({ depth: depthNow() } satisfies HistoryMark, "", url);
    else history.pushState({ depth: depthNow() + 1 } satisfies HistoryMark, "", url);
    readLocation();
  }

  window.addEventListener("popstate", readLocation);
  document.addEventListener("click", (click) => {
    const url = ownLink(click);
    if (!url) return;
    click.preventDefault();
    navigate(url);
  });

  return {
    place,
    navigate,
    back: (fallback) => (depthNow() > 0 ? history.back() : navigate(fallback)),
  };
}

/** The address of a plain click on a link that the page itself can show; everything else is left to the browser. */
function ownLink(click: MouseEvent): string | null {
  if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return null;
  const link = (click.target as Element | null)?.closest("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin) return null;
  if (parsePlace(link.pathname, link.search).view === "unknown") return null;
  return link.pathname + link.search;
}
