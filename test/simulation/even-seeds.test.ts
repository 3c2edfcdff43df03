import { keepsItsPromises } from './seeds.ts';

keepsItsPromises('even');
