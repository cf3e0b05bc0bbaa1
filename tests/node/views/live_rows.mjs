// The events of a session that is followed, as a person sees them who looks at each row.

export const events = (page) => page.getByRole("grid", { name: "Events" });
export const row = (page, name) => events(page).getByRole("row", { name });
export const bar = (page) => page.getByRole("group", { name: "Live", exact: true });

/** The texts of all rows, from the top down. */
export function allRows(page) {
  return events(page).evaluate(async (grid) => {
    const messages = new Map();
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const wanted = Number(grid.getAttribute("aria-rowcount")) - 1;
    const was = grid.scrollTop;
    for (let top = 0, tries = 0; messages.size < wanted && tries < 2_000; tries += 1) {
      grid.scrollTop = top;
      await frame();
      for (const row of grid.querySelectorAll(".grid-body .grid-row")) {
        const text = row.querySelector(".line")?.textContent;
        if (text) messages.set(Number(row.getAttribute("aria-rowindex")), text);
      }
      top = top >= grid.scrollHeight - grid.clientHeight ? 0 : top + grid.clientHeight / 2;
    }
    grid.scrollTop = was;
    await frame();
    return [...messages].sort(([one], [other]) => one - other).map(([, text]) => text);
  });
}
