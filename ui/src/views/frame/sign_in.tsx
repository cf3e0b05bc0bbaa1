// Shown after a 401 or a sign-out. Signing in itself is done by a page of the server's or a link, not here.

import type { JSX } from "solid-js";
import { Mark } from "../parts/mark";

export function SignIn(): JSX.Element {
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <Mark />
        <h1>Sign in to Kymo</h1>
        <p>
          {/* A page of the server's own, which this page's router is to leave alone. */}
          <a href="/login" rel="external">
            Sign in with a password
          </a>
          , if you have set one.
        </p>
        <p>
          Or open the link that the server printed at its first start. It works once; for a new one, run this on the
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
