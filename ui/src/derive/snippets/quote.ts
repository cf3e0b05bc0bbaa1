// Texts as literals of the languages that snippets are written in.

/** In JavaScript, JSON and C#, which all take this form. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** For a POSIX shell: nothing in between is looked at. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
