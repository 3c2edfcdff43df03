// Every route of the API, in the order of the document.
import { alertRoutes } from './alert-routes.ts';
import type { Route } from './api-route.ts';
import { codeRoutes } from './code-routes.ts';
import { deadLetterRoutes } from './dead-letter-routes.ts';
import { deviceRoutes } from './device-routes.ts';
import { endpointRoutes } from './endpoint-routes.ts';
import { feedRoutes } from './feed-routes.ts';
import { holidayListRoutes } from './holiday-list-routes.ts';
import { scheduleActionRoutes } from './schedule-action-routes.ts';
import { scheduleRoutes } from './schedule-routes.ts';
import { windowRoutes } from './window-routes.ts';

export const apiRoutes: readonly Route[] = [
  ...scheduleRoutes,
  ...windowRoutes,
  ...scheduleActionRoutes,
  ...codeRoutes,
  ...deviceRoutes,
  ...holidayListRoutes,
  ...feedRoutes,
  ...alertRoutes,
  ...deadLetterRoutes,
  ...endpointRoutes,
];
