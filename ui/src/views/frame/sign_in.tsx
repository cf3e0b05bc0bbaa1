// Shown after a 401 or a sign-out. Signing in itself is done by a link, not here.

import type { JSX } from "solid-js";
import { Mark } from "../parts/mark";

export function SignIn(): JSX.Element {
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <Mark />
        <h1>Sign in to Kymo</h1>
        <p>
          Open the link that the server printed at its first start. It works once; for a new one, run this on the
          server's machine:
        </p>
        <pre class="snippet">kymo login --data DIR</pre>
        <button type="button" class="button" onClick={() => location.reload()}>
          I have signed in, try again
        </button>
      </div>
    </main>
  );
}
