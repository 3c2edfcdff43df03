import { homePages } from './home-page.ts';
import type { PageRoute } from './page-route.ts';

/** Every page. */
export const pageRoutes: readonly PageRoute[] = [...homePages];
