// Every route of the API, in the order of the document.
import type { Route } from './api-route.ts';
import { scheduleRoutes } from './schedule-routes.ts';

export const apiRoutes: readonly Route[] = [...scheduleRoutes];
