// The parts of the session page that not every look at a session needs, in one piece.

import "../styles/over_time.css";

export { MetricsTab } from "./session/over_time/metrics_tab";
export { ThreadsTab } from "./session/over_time/threads_tab";
