// Copying. `navigator.clipboard` exists on https and localhost only; a self-hosted server is often neither.

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const had_focus = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "off-screen";
  document.body.append(field);
  field.select();
  // Deprecated, but without a replacement where the page is served over plain http.
  const copied = document.execCommand("copy");
  field.remove();
  if (had_focus instanceof HTMLElement) had_focus.focus();
  return copied;
}
