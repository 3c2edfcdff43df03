import { actPages } from './act-page.ts';
import { alertPages } from './alerts-section.ts';
import { doorPages } from './door-page.ts';
import { homePages } from './home-page.ts';
import type { PageRoute } from './page-route.ts';
import { pinPages } from './pin-page.ts';
import { schedulePages } from './schedule-page.ts';

/** Every page. */
export const pageRoutes: readonly PageRoute[] = [
  ...homePages,
  ...actPages,
  ...alertPages,
  ...pinPages,
  ...schedulePages,
  ...doorPages,
];
