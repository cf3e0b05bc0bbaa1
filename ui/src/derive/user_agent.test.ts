// User agents as browsers send them.

import { expect, it } from "vitest";
import { browserText } from "./user_agent";

const KIT = "AppleWebKit/537.36 (KHTML, like Gecko)";

it.each([
  [`Mozilla/5.0 (X11; Linux x86_64) ${KIT} Chrome/156.0.0.0 Safari/537.36`, "Chrome 156 on Linux"],
  [`Mozilla/5.0 (X11; Linux x86_64) ${KIT} HeadlessChrome/156.0.0.0 Safari/537.36`, "Headless Chrome 156 on Linux"],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${KIT} Chrome/155.0.0.0 Safari/537.36 Edg/155.0.0.0`, "Edge 155 on Windows"],
  [`Mozilla/5.0 (Windows NT 10.0) ${KIT} Chrome/150.0.0.0 Safari/537.36 OPR/120.0.0.0`, "Opera 120 on Windows"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox 144 on Windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15", "Safari 19 on macOS"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1", "Safari 19 on iPhone"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/156.0.0.0 Mobile/15E148 Safari/604.1", "Chrome 156 on iPhone"],
  [`Mozilla/5.0 (Linux; Android 16; Pixel 10) ${KIT} Chrome/156.0.0.0 Mobile Safari/537.36`, "Chrome 156 on Android"],
  [`Mozilla/5.0 (Linux; Android 16) ${KIT} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`, "Samsung Internet 29 on Android"],
  ["curl/8.5.0", "curl/8.5.0"],
  ["", ""],
])("%s", (user_agent, text) => expect(browserText(user_agent)).toBe(text));
