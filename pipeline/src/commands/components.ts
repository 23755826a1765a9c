import { Command } from 'commander';
import { buildComponentsCommand } from './components-build.js';
import { deployComponentsCommand } from './components-deploy.js';
import { listComponentsCommand } from './components-list.js';
import { publishComponentsCommand } from './components-publish.js';
import { refreshBaseCommand } from './components-refresh-base.js';
import { testComponentsCommand } from './components-test.js';

/** `mooring components …` */
export function componentsCommand(): Command {
  return new Command('components')
    .description('the applications of the devices: test, build, publish and deploy them')
    .addCommand(testComponentsCommand())
    .addCommand(buildComponentsCommand())
    .addCommand(publishComponentsCommand())
    .addCommand(deployComponentsCommand())
    .addCommand(listComponentsCommand())
    .addCommand(refreshBaseCommand());
}
