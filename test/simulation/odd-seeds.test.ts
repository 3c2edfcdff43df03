import { keepsItsPromises } from './seeds.ts';

keepsItsPromises('odd');
