// The parts of the session page that are fetched when somebody looks at them.

import { createLate } from "../../parts/late";

const overTime = () => import("../../over_time");

export const MetricsTab = createLate(async () => (await overTime()).MetricsTab);
export const ThreadsTab = createLate(async () => (await overTime()).ThreadsTab);
